#include "mda-local/parent.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <skalibs/strerr.h>

#include "lib/log.h"
#include "mda-local/ask.h"
#include "mda-local/channel.h"
#include "mda-local/deliver-rules.h"
#include "mda-local/dsn.h"
#include "mda-local/incoming.h"

struct parent {
	struct deliver *d;
	int fd, fd_big;
	int fd_memory; /* that the parser has, too; -1: none */
	int sealed;    /* it was when it came */
	int begun;
};

static int
form_ok(struct ask const *q)
{
	return q->op <= ASK_RESET && q->body <= BODY_BINARYMIME && q->ret <= RET_HDRS &&
	       channel_text(q->id, sizeof q->id) && channel_text(q->path, sizeof q->path) &&
	       channel_text(q->local, sizeof q->local) &&
	       channel_text(q->domain, sizeof q->domain) && channel_text(q->extra, sizeof q->extra);
}

static char const *
keep(struct parent *p, char const *s)
{
	return arena_strndup(&p->d->arena, s, strlen(s));
}

static int
answer(struct parent *p, enum reply reply, int fd)
{
	struct answer a = {.reply = (uint32_t)reply};
	return channel_send(p->fd, &a, sizeof a, fd);
}

static void
put_verdict(struct answer *a, struct deliver_rcpt const *r)
{
	memset(a, 0, sizeof *a);
	a->reply = (uint32_t)r->verdict;
	a->forwards = r->remote || r->may_send;
	a->may_refuse = (uint32_t)r->may_refuse;
	if (r->text)
		strcpy(a->text, r->text);
}

/* As few messages as may be: each may wake the parser. */
static int
answer_all(struct parent const *p)
{
	static struct answer a[ASK_ANSWERS];
	struct deliver const *d = p->d;
	for (size_t i = 0, n; i < d->count; i += n) {
		n = d->count - i < ASK_ANSWERS ? d->count - i : ASK_ANSWERS;
		for (size_t k = 0; k < n; k++)
			put_verdict(&a[k], &d->rcpt[i + k]);
		if (channel_send(p->fd, a, n * sizeof *a, -1) < 0)
			return -1;
	}
	return 0;
}

static void
forget(struct parent *p)
{
	deliver_reset(p->d);
	if (p->fd_big >= 0)
		close(p->fd_big);
	p->fd_big = -1;
	p->begun = 0;
}

/* Sealed, it is for one message. */
static void
forget_memory(struct parent *p)
{
	if (p->fd_memory >= 0)
		close(p->fd_memory);
	p->fd_memory = -1;
	p->sealed = 0;
}

static int
ask_mail(struct parent *p, struct ask const *q)
{
	struct smtp_mail m = {.size = q->size,
	    .body = (enum smtp_body)q->body,
	    .ret = (enum smtp_ret)q->ret,
	    .smtputf8 = q->smtputf8 != 0,
	    .requiretls = q->requiretls != 0};
	if (p->begun || !id_valid(q->id))
		return -1;
	m.from.text = keep(p, q->path);
	m.envid = *q->extra ? keep(p, q->extra) : 0;
	deliver_mail(p->d, q->id, &m);
	p->begun = 1;
	return 0;
}

static int
ask_rcpt(struct parent *p, struct ask const *q)
{
	struct smtp_rcpt r = {.notify = q->notify};
	if (!p->begun)
		return -1;
	r.to.text = keep(p, q->path);
	r.to.local = keep(p, q->local);
	r.orcpt = *q->extra ? keep(p, q->extra) : 0;
	struct answer a;
	put_verdict(&a, deliver_check(p->d, &r, keep(p, q->domain)));
	/* With the first recipient the message's memory. */
	int const first = a.reply == REPLY_RCPT_OK && p->fd_memory < 0;
	if (first)
		p->fd_memory = incoming_memory();
	return channel_send(p->fd, &a, sizeof a, first ? p->fd_memory : -1);
}

static int
ask_big(struct parent *p)
{
	if (!p->begun || p->fd_big >= 0)
		return -1;
	int const fd = incoming_open_big(0);
	int const r = answer(p, fd < 0 ? REPLY_STORAGE : REPLY_DATA, fd);
	/* What one account's worker is given the others are, too. */
	p->fd_big = incoming_to_read(fd);
	return r;
}

/* Sealed by whoever made it; the parser has looked, but may be fooled. */
static int
ask_sealed(struct parent *p, int fd)
{
	if (!p->begun || p->fd_big >= 0 || fd < 0 || incoming_sealed(fd) < 0)
		return -1;
	forget_memory(p);
	p->fd_memory = fd;
	p->sealed = 1;
	return 0;
}

/* The message as it will stay: the parser may die or be fooled, and a copy that is being read must
 * not change for it. */
static int
message_fd(struct parent *p, uint64_t size)
{
	struct stat st;
	int fd = p->fd_big >= 0 ? p->fd_big : p->fd_memory;
	if (fd < 0 || (fd == p->fd_memory && !p->sealed && incoming_seal(fd) < 0))
		return -1;
	return fstat(fd, &st) < 0 || (uint64_t)st.st_size != size ? -1 : fd;
}

static int
ask_deliver(struct parent *p, uint64_t size)
{
	struct deliver *d = p->d;
	if (!p->begun || !d->count)
		return -1;
	int fd = message_fd(p, size);
	if (fd < 0)
		return -1;
	deliver_message(d, fd, size);
	if (answer_all(p) < 0)
		return -1;
	dsn_send(d, fd);
	deliver_rules_notices(d, fd);
	forget(p);
	forget_memory(p);
	return 0;
}

static int
serve(struct parent *p, struct ask const *q, int fd)
{
	switch ((enum ask_op)q->op) {
	case ASK_MAIL:
		return ask_mail(p, q);
	case ASK_RCPT:
		return ask_rcpt(p, q);
	case ASK_BIG:
		return ask_big(p);
	case ASK_SEALED:
		return ask_sealed(p, fd);
	case ASK_LOOPED:
		if (q->size >= p->d->count)
			return -1;
		p->d->rcpt[q->size].looped = 1;
		return 0;
	case ASK_JUNK:
		p->d->junk = 1;
		return 0;
	case ASK_DELIVER:
		return ask_deliver(p, q->size);
	case ASK_RESET:
		forget(p);
		return 0;
	}
	return -1;
}

int
parent_serve(struct deliver *d, int fd)
{
	struct parent p = {.d = d, .fd = fd, .fd_memory = -1, .fd_big = -1};
	struct ask q[ASK_TOGETHER];
	int n, came, bad = 0;
	while (!bad && (n = channel_recv_some(
			    fd, q, sizeof *q, ASK_TOGETHER, &came, CHANNEL_FOREVER)) > 0) {
		/* A descriptor belongs to the last of them. */
		for (int i = 0; i < n && !bad; i++)
			bad = !form_ok(&q[i]) || serve(&p, &q[i], i == n - 1 ? came : -1) < 0;
		if (came >= 0 && came != p.fd_memory)
			close(came);
	}
	forget(&p);
	forget_memory(&p);
	return bad ? -1 : n;
}

void
parent_leave_connection(void)
{
	int const fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fd < 0 || dup2(fd, 0) < 0 || dup2(fd, 1) < 0)
		strerr_diefu1sys(111, "open /dev/null");
	close(fd);
}

#include "mda-local/forward.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

#include "lib/conf.h"
#include "lib/dsn.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "lib/sandbox.h"
#include "lib/skalibs-compat.h"
#include "lib/smtp-client.h"
#include "mda-local/channel.h"
#include "mda-local/child.h"
#include "mda-local/limits.h"

/* The connection, which it made before, and the message: no file by name, no socket, no process. */
static struct sandbox const sandbox_policy = {
    .file_size = SANDBOX_UNLIMITED, .processes = SANDBOX_ANY};

struct way {
	char const *setting, *socket;
	int lmtp;
	enum reply done;
};
static struct way const ways[] = {
    [FORWARD_RELAY] = {"lmtp-relay", "run/relay/sock", 0, REPLY_FORWARDED},
    [FORWARD_SPOOL] = {"lmtp-spool", "run/spool/sock", 1, REPLY_SPOOLED},
};

/* What the process tells of one item. */
struct note {
	uint32_t index, reply;
};

struct transaction {
	struct smtp_client c;
	struct way const *way;
	struct smtp_mail const *mail;
	char const *id;
	int fd_message, fd_notes;
	struct forward_item *item; /* all */
};

static enum reply
verdict_of(struct transaction const *t, int code)
{
	return code / 100 == 2	 ? t->way->done
	       : code / 100 == 5 ? REPLY_FORWARD_PERM
				 : REPLY_FORWARD_TEMP;
}

static void
log_refusal(struct transaction const *t, char const *what, struct smtp_reply const *r)
{
	log_event("forward-refused");
	log_str("socket", t->way->socket);
	log_str("at", what);
	log_num("code", (uint64_t)r->code);
	log_str("reply", r->text.s);
	log_send();
}

static void
send_text(struct transaction *t, char const *s)
{
	smtp_client_send(&t->c, s, strlen(s));
}

static int
send_header(struct transaction *t)
{
	static char s[DSN_HEADER_MAX];
	ssize_t r = pread(t->fd_message, s, sizeof s, 0);
	if (r > 0)
		smtp_client_send(&t->c, s, dsn_header_length(s, (size_t)r));
	return r < 0 ? -1 : 0;
}

/* Octets [at, end) of fd, to its end if that is UINT64_MAX. What is cut off under our hands must
 * not be sent as if it were whole. */
static int
send_part(struct transaction *t, int fd, uint64_t at, uint64_t end)
{
	char buf[16384];
	while (at < end) {
		size_t const want = end - at < sizeof buf ? (size_t)(end - at) : sizeof buf;
		ssize_t const r = pread(fd, buf, want, (off_t)at);
		if (r < 0 || (!r && end != UINT64_MAX))
			return -1;
		if (!r)
			break;
		if (smtp_client_send(&t->c, buf, (size_t)r) < 0)
			return -1;
		at += (uint64_t)r;
	}
	return 0;
}

static int
send_content(struct transaction *t, struct forward_content const *c)
{
	if (!c)
		return send_part(t, t->fd_message, 0, UINT64_MAX);
	return send_part(t, c->fd, c->at, c->at + c->size) < 0 ||
		       send_part(t, t->fd_message, c->tail, UINT64_MAX) < 0
		   ? -1
		   : 0;
}

static int
send_message(struct transaction *t, struct forward_item const *item)
{
	int r;
	if (item->notice) {
		send_text(t, item->notice);
		r = send_header(t);
		send_text(t, item->notice_end);
	} else {
		if (!item->made) {
			send_text(t, "Delivered-To: ");
			send_text(t, item->rcpt);
			send_text(t, "\n");
		}
		r = send_content(t, item->content);
	}
	return r < 0 ? -1 : smtp_client_send_end(&t->c);
}

/* MAIL of item's sender: the number of replies to come. */
static int
send_mail(struct transaction *t, struct forward_item const *item)
{
	struct smtp_mail mail = *t->mail;
	if (item->made)
		mail.body = BODY_8BITMIME;
	if (item->sender) {
		mail.from = (struct smtp_path){.text = item->sender};
		mail.envid = 0;
		mail.ret = RET_UNSET;
	}
	return smtp_client_mail(&t->c, &mail, t->id);
}

/* MAIL and the RCPTs of item[from..to): how many were taken; -1 the connection is of no more use.
 */
static int
envelope(struct transaction *t, size_t from, size_t to, struct smtp_reply *r)
{
	struct arena a = ARENA_ZERO;
	int taken = 0, replies = send_mail(t, &t->item[from]);
	while (replies--)
		if (smtp_client_reply(&t->c, r) < 0)
			return -1;
	enum reply mail = verdict_of(t, r->code);
	if (mail != t->way->done)
		log_refusal(t, "MAIL", r);
	for (size_t i = from; i < to; i++) {
		struct smtp_rcpt rcpt = {.notify = t->item[i].notify, .orcpt = t->item[i].orcpt};
		t->item[i].verdict = mail;
		if (mail != t->way->done)
			continue;
		if (smtp_path_set(&a, t->item[i].address, &rcpt.to) < 0) {
			t->item[i].verdict = REPLY_BAD_ADDRESS;
			continue;
		}
		smtp_client_rcpt(&t->c, &rcpt);
		if (smtp_client_reply(&t->c, r) < 0)
			return -1;
		t->item[i].verdict = verdict_of(t, r->code);
		if (t->item[i].verdict == t->way->done)
			taken++;
		else
			log_refusal(t, "RCPT", r);
	}
	arena_free(&a);
	return taken;
}

/* The final dot's verdict: SMTP has one for all, LMTP one for each that was taken. 0 or -1. */
static int
final_replies(struct transaction *t, size_t from, size_t to, struct smtp_reply *r)
{
	int have = 0;
	for (size_t i = from; i < to; i++) {
		if (t->item[i].verdict != t->way->done)
			continue;
		if ((!have || t->way->lmtp) && smtp_client_reply(&t->c, r) < 0) {
			t->item[i].verdict = REPLY_FORWARD_TEMP;
			return -1;
		}
		have = 1;
		t->item[i].verdict = verdict_of(t, r->code);
		if (t->item[i].verdict != t->way->done)
			log_refusal(t, "DATA", r);
	}
	return 0;
}

static int
one_transaction(struct transaction *t, size_t from, size_t to)
{
	struct smtp_reply r = SMTP_REPLY_ZERO;
	int taken = envelope(t, from, to, &r);
	if (taken <= 0) {
		if (!taken) {
			smtp_client_cmd(&t->c, "RSET");
			taken = smtp_client_reply(&t->c, &r);
		}
		return taken;
	}
	smtp_client_cmd(&t->c, "DATA");
	if (smtp_client_reply(&t->c, &r) < 0)
		return -1;
	if (r.code != 354) {
		log_refusal(t, "DATA", &r);
		for (size_t i = from; i < to; i++)
			if (t->item[i].verdict == t->way->done)
				t->item[i].verdict = verdict_of(t, r.code / 100 == 5 ? 550 : 450);
		smtp_client_cmd(&t->c, "RSET");
		return smtp_client_reply(&t->c, &r);
	}
	if (send_message(t, &t->item[from]) < 0)
		return -1;
	return final_replies(t, from, to, &r);
}

static void
tell(struct transaction const *t, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		enum reply v = t->item[i].verdict;
		if (v == REPLY_FORWARDED && !(t->c.ext & EXT_DSN))
			v = REPLY_RELAYED;
		struct note note = {.index = (uint32_t)i, .reply = (uint32_t)v};
		channel_send(t->fd_notes, &note, sizeof note, -1);
	}
}

static int
same_transaction(struct forward_item const *a, struct forward_item const *b)
{
	int const senders =
	    a->sender == b->sender || (a->sender && b->sender && !strcmp(a->sender, b->sender));
	return senders && a->content == b->content && a->made == b->made &&
	       !strcmp(a->rcpt, b->rcpt);
}

static void
speak(struct transaction *t, size_t n)
{
	struct smtp_reply r = SMTP_REPLY_ZERO;
	t->c.lmtp = t->way->lmtp;
	int greeted = smtp_client_hello(&t->c, conf_me(), &r);
	if (greeted)
		log_refusal(t, "greeting", &r);
	for (size_t from = 0, to = 0; !greeted && from < n; from = to) {
		while (to < n && same_transaction(&t->item[to], &t->item[from]))
			to++;
		int ok = one_transaction(t, from, to);
		if (ok < 0) {
			log_event("forward-broken");
			log_str("socket", t->way->socket);
			log_errno("reason", errno);
			log_send();
			/* Taken by RCPT alone is not taken. */
			for (size_t i = from; i < to; i++)
				if (t->item[i].verdict == t->way->done)
					t->item[i].verdict = REPLY_FORWARD_TEMP;
		}
		tell(t, from, to);
		if (ok < 0)
			return;
	}
	smtp_client_cmd(&t->c, "QUIT");
	net_flush(&t->c.net);
}

/* Everything but the message, what stands in its place, and the two channels. */
static void
close_others(struct transaction const *t, size_t n)
{
	int *keep = xmalloc((n + 3) * sizeof *keep);
	size_t count = 0;
	keep[count++] = t->fd_message;
	keep[count++] = t->fd_notes;
	keep[count++] = t->c.net.fd_in;
	for (size_t i = 0; i < n; i++) {
		int const fd = t->item[i].content ? t->item[i].content->fd : -1;
		if (fd >= 0 && fd != keep[count - 1])
			keep[count++] = fd;
	}
	sandbox_close_but(keep, count);
	free(keep);
}

/* The process. Connects with the rights it was born with, and has none when the peer speaks. */
static void run(struct transaction *t, size_t n, unsigned int seconds, pid_t parent)
    __attribute__((noreturn));
static void
run(struct transaction *t, size_t n, unsigned int seconds, pid_t parent)
{
	char const *path = conf_string(t->way->setting, t->way->socket);
	if (*path != '/')
		path = conf_path(path);
	conf_me();
	if (smtp_client_unix(&t->c, path, seconds) < 0) {
		log_event("forward-unreachable");
		log_str("socket", path);
		log_errno("reason", errno);
		log_send();
		_exit(0);
	}
	close_others(t, n);
	if (!geteuid() && getenv("UID"))
		sandbox_drop_user();
	/* Nobody would hear of what is committed once the parent is gone; the recipient is tried
	 * again then. After the change of user, which forgets it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
	sandbox_enter(&sandbox_policy);
	speak(t, n);
	_exit(0);
}

void
forward(enum forward_way way, struct smtp_mail const *mail, char const *id, int fd_message,
    struct forward_item *item, size_t n, int64_t until)
{
	int fd[2], left = channel_timeout(until) / 1000;
	struct note note;
	for (size_t i = 0; i < n; i++)
		item[i].verdict = REPLY_FORWARD_TEMP;
	if (left < 1 || channel_pair(fd) < 0)
		return;
	pid_t parent = getpid(), pid = fork();
	if (!pid) {
		struct transaction t = {.way = &ways[way],
		    .mail = mail,
		    .id = id,
		    .fd_message = fd_message,
		    .fd_notes = fd[1],
		    .item = item};
		close(fd[0]);
		run(&t, n, (unsigned int)left, parent);
	}
	close(fd[1]);
	while (pid > 0 && channel_recv(fd[0], &note, sizeof note, 0, until) == 1)
		if (note.index < n && note.reply < REPLY_COUNT)
			item[note.index].verdict = (enum reply)note.reply;
	close(fd[0]);
	if (pid > 0)
		child_kill(pid);
}

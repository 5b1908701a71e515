#include "mda-local/lmtp.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/conf.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "mda-local/channel.h"
#include "mda-local/junk.h"
#include "mda-local/replies.h"

#define FINISH_SECONDS 3

void
lmtp_settings(struct lmtp *l)
{
	uint64_t smtp_size = conf_size("smtp-size", MDA_SMTP_SIZE, 1024, UINT64_C(1) << 40);
	l->size_max = conf_size("lmtp-size", smtp_size + MDA_SIZE_SLACK, 1024, UINT64_C(1) << 41);
	l->seconds = (unsigned int)conf_uint(
	    "delivery-seconds", MDA_DELIVERY_SECONDS, 1, MDA_DELIVERY_SECONDS_MAX);
	l->idle = (unsigned int)conf_uint("lmtp-idle-seconds", MDA_IDLE_SECONDS, 1, 3600);
	junk_init();
	conf_me();
}

void
lmtp_init(struct lmtp *l, char const *id)
{
	l->connection = id;
	l->state = LMTP_NEW;
	incoming_init(&l->message, -1);
}

void
lmtp_reply(struct lmtp *l, enum reply r)
{
	net_puts(&l->net, reply_text(r));
	net_puts(&l->net, "\r\n");
	if (reply_class(r) == 5)
		l->errors++;
}

void
lmtp_late(struct lmtp *l, char const *during)
{
	log_1("timeout", "during", during);
	lmtp_reply(l, REPLY_TIMEOUT);
}

void
lmtp_answer(struct lmtp *l, struct answer const *a)
{
	stralloc reply = STRALLOC_ZERO;
	if (!*a->text) {
		lmtp_reply(l, (enum reply)a->reply);
		return;
	}
	reply_format(&reply, "\r\n", (enum reply)a->reply, a->text);
	net_put(&l->net, reply.s, reply.len);
	stralloc_free(&reply);
	if (reply_class((enum reply)a->reply) == 5)
		l->errors++;
}

struct ask *
lmtp_ask(struct lmtp *l, enum ask_op op)
{
	struct ask *const q = &l->ask[l->asks];
	memset(q, 0, sizeof *q);
	q->op = op;
	return q;
}

void
lmtp_later(struct lmtp *l)
{
	l->asks++;
}

int
lmtp_tell(struct lmtp *l, int fd)
{
	size_t const n = l->asks + 1;
	l->asks = 0;
	return channel_send(l->fd_parent, l->ask, n * sizeof *l->ask, fd);
}

static int64_t
patience(struct lmtp const *l)
{
	return channel_now() + (int64_t)(l->seconds + MDA_PARENT_GRACE) * 1000;
}

int
lmtp_hear(struct lmtp *l, struct answer *a, int *fd_r)
{
	return channel_recv(l->fd_parent, a, sizeof *a, fd_r, patience(l)) == 1 ? 0 : -1;
}

size_t
lmtp_hear_some(struct lmtp *l, struct answer a[static ASK_ANSWERS])
{
	int const n = channel_recv_some(l->fd_parent, a, sizeof *a, ASK_ANSWERS, 0, patience(l));
	return n > 0 ? (size_t)n : 0;
}

void
lmtp_reset(struct lmtp *l)
{
	/* The parent knows of nothing else. */
	if (l->state & (LMTP_MAIL | LMTP_RCPT | LMTP_BDAT) && !l->asks) {
		lmtp_ask(l, ASK_RESET);
		lmtp_tell(l, -1);
	}
	l->asks = 0;
	arena_reset(&l->arena);
	incoming_reset(&l->message);
	l->count = 0;
	l->failed = REPLY_NONE;
	if (l->state != LMTP_NEW)
		l->state = LMTP_READY;
}

static enum reply
out_of_place(struct lmtp const *l, struct command const *row)
{
	if (l->state == LMTP_NEW)
		return REPLY_LHLO_FIRST;
	return row->fn == lmtp_data && l->state == LMTP_MAIL ? REPLY_NO_RCPT : REPLY_SEQUENCE;
}

/* One command. 0 to go on. */
static int
dispatch(struct lmtp *l, char *line, size_t len)
{
	struct command const *row;
	char *arg;
	size_t arglen;
	unsigned int errors = l->errors;
	int end = 0;
	switch (command_check(lmtp_commands, l->state, line, len, &row, &arg, &arglen)) {
	case COMMAND_OK:
		end = row->fn(l, arg, arglen);
		break;
	case COMMAND_UNKNOWN:
		lmtp_reply(l, REPLY_UNKNOWN);
		break;
	case COMMAND_BADSTATE:
		lmtp_reply(l, out_of_place(l, row));
		break;
	case COMMAND_NEEDSARG:
	case COMMAND_NOARG:
		net_putf(&l->net, "%s: %s\r\n", reply_text(REPLY_SYNTAX), row->syntax);
		l->errors++;
		break;
	case COMMAND_NUL:
		lmtp_reply(l, REPLY_CONTROL);
		break;
	}
	if (l->errors == errors)
		l->errors = 0;
	return end;
}

static void
loop(struct lmtp *l)
{
	char line[SMTP_LINE_MAX];
	size_t len;
	for (;;) {
		net_deadline(&l->net, l->idle);
		switch (net_getline(&l->net, line, sizeof line, &len)) {
		case NET_LINE:
			if (dispatch(l, line, len))
				return;
			break;
		case NET_LONG:
			lmtp_reply(l, REPLY_LINE_LONG);
			break;
		case NET_ERROR:
			if (errno == ETIMEDOUT)
				lmtp_late(l, "command");
			return;
		case NET_EOF:
			return;
		}
		if (l->errors >= MDA_ERRORS_MAX) {
			lmtp_reply(l, REPLY_ERRORS);
			return;
		}
	}
}

static int
is_unix(int fd)
{
	int family;
	socklen_t n = sizeof family;
	return !getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &n) && family == AF_UNIX;
}

/* What was written to a Unix socket its reader gets, whoever has closed it meanwhile: nobody waits
 * for that. */
static void
finish(struct lmtp *l)
{
	if (!is_unix(l->net.fd_out)) {
		net_finish(&l->net, FINISH_SECONDS);
		return;
	}
	net_deadline(&l->net, FINISH_SECONDS);
	net_flush(&l->net);
}

void
lmtp_serve(struct lmtp *l, int fd_parent)
{
	l->fd_parent = fd_parent;
	net_init(&l->net, 0, 1);
	l->fd_passed = -1;
	if (is_unix(0))
		l->net.passed = &l->fd_passed;
	net_puts(&l->net, "220 ");
	net_puts(&l->net, conf_me());
	net_puts(&l->net, " LMTP\r\n");
	net_glance(&l->net);
	loop(l);
	/* The parent is free before the client hears that it may make another connection. */
	close(fd_parent);
	finish(l);
}

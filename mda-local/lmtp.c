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
lmtp_init(struct lmtp *l)
{
	l->connection = id_connection();
	l->state = LMTP_NEW;
	incoming_init(&l->message, -1);
}

void
lmtp_reply(struct lmtp *l, enum reply r)
{
	net_putf(&l->net, "%s\r\n", reply_text(r));
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
	reply_format(&reply, "\r\n", (enum reply)a->reply, a->text);
	net_put(&l->net, reply.s, reply.len);
	stralloc_free(&reply);
	if (reply_class((enum reply)a->reply) == 5)
		l->errors++;
}

int
lmtp_tell(struct lmtp *l, struct ask const *q, int fd)
{
	return channel_send(l->fd_parent, q, sizeof *q, fd);
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
	int const n = channel_recv_some(l->fd_parent, a, sizeof *a, ASK_ANSWERS, patience(l));
	return n > 0 ? (size_t)n : 0;
}

void
lmtp_reset(struct lmtp *l)
{
	struct ask q = {.op = ASK_RESET};
	/* The parent knows of nothing else. */
	if (l->state & (LMTP_MAIL | LMTP_RCPT | LMTP_BDAT))
		lmtp_tell(l, &q, -1);
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

void
lmtp_serve(struct lmtp *l, int fd_parent)
{
	l->fd_parent = fd_parent;
	net_init(&l->net, 0, 1);
	l->fd_passed = -1;
	if (is_unix(0))
		l->net.passed = &l->fd_passed;
	net_putf(&l->net, "220 %s LMTP\r\n", conf_me());
	net_glance(&l->net);
	loop(l);
	net_finish(&l->net, FINISH_SECONDS);
}

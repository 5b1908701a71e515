#include "mda-remote/recv-session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "lib/conf.h"
#include "lib/date.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "mda-remote/recv-replies.h"

/* The first failure decides the reply; the rest of the message is read and dropped. */
static void
fail(struct recv_session *s, char const *reply, int e)
{
	if (s->failed)
		return;
	s->failed = reply;
	if (!e)
		return;
	log_event("error");
	log_str("what", "write spool");
	log_errno("why", e);
	log_send();
}

static void
write_failed(struct recv_session *s, int e)
{
	fail(s, e == ENOSPC || e == EDQUOT || e == EFBIG ? R_NOSPACE : R_WRITE, e);
}

/* What a user of this host hands in without smtp-recv says who it was (RFC 5321 4.4). */
static void
put_trace(struct recv_session *s)
{
	stralloc sa = STRALLOC_ZERO;
	int64_t now = time(0);
	sa_catf(&sa, "Received: by %s (postern, from uid %lu) id %s;\n\t", conf_me(),
	    (unsigned long)s->caller, s->id);
	date_rfc5322(&sa, now, date_local_zone(now));
	sa_append(&sa, '\n');
	spool_write(&s->file, sa.s, sa.len);
	s->data.size += sa.len + 2;
	stralloc_free(&sa);
}

static void
begin(struct recv_session *s, int chunked)
{
	s->e.id = s->id;
	s->e.arrival = time(0);
	s->e.expiry = envelope_begin(&s->e) + (int64_t)(s->lifetime / 1000);
	smtp_data_init(&s->data, chunked);
	memset(&s->tls_required, 0, sizeof s->tls_required);
	if (spool_begin(&s->file, s->fd_spool, &s->e, 0) < 0)
		write_failed(s, errno);
	else {
		s->open = 1;
		if (s->untold)
			put_trace(s);
	}
	net_deadline(&s->net, s->idle * RECV_DATA_TIMES);
}

/* Takes n bytes of input; *used of them belong to the message. 1 at the final dot. */
static int
take(struct recv_session *s, char const *in, size_t n, size_t *used)
{
	char out[NET_INSIZE + 2];
	size_t len;
	int done;
	*used = smtp_data_feed(&s->data, in, n, out, &len, &done);
	if (s->size_max && s->data.size > s->size_max)
		fail(s, R_SIZE, 0);
	/* Some servers drop it, and what is left may be the end of a message to them. */
	if (s->data.nul)
		fail(s, R_NUL_OCTET, 0);
	if (s->open && !s->failed) {
		tls_required_feed(&s->tls_required, out, len);
		spool_write(&s->file, out, len);
		if (s->file.error)
			write_failed(s, s->file.error);
	}
	return done;
}

static void
log_accept(struct recv_session *s, char const *name)
{
	log_event("queued");
	log_str("file", name);
	log_str("from", s->e.mail.from.text);
	if (s->e.mail.login)
		log_str("user", s->e.mail.login);
	log_num("rcpts", s->e.count);
	log_num("size", s->e.mail.size);
	if (s->e.hold)
		log_str("held", s->e.hold);
	if (s->e.mail.future)
		log_str("release", s->e.mail.future);
	if (s->e.mail.by_mode)
		log_num("by", (uint64_t)s->e.mail.by);
	if (s->foreign)
		log_num("uid", s->caller);
	log_send();
}

/* The file's mtime is when it is due (doc/spool.md). */
static int
due_at(int fd, int64_t t)
{
	return futimens(fd, (struct timespec[2]){{.tv_nsec = UTIME_OMIT}, {.tv_sec = t}});
}

/* Commits, and answers once per recipient (RFC 2033 4.2). */
static void
end(struct recv_session *s)
{
	char name[SPOOL_NAME_MAX + 1];
	s->e.mail.size = s->data.size;
	s->e.eightbit = s->data.eightbit;
	/* RFC 8689 4.1: the parameter outweighs the header. */
	s->e.tls_optional = s->tls_required.no && !s->e.mail.requiretls;
	if (!s->failed && spool_finish(&s->file, &s->e) < 0)
		write_failed(s, errno);
	/* Before it has its name: nobody may send it in between. */
	if (!s->failed && s->e.hold && fchmod(s->file.fd, 0400) < 0)
		write_failed(s, errno);
	if (!s->failed && s->e.mail.release && due_at(s->file.fd, s->e.mail.release) < 0)
		write_failed(s, errno);
	if (!s->failed) {
		s->open = 0; /* spool_commit closes it either way */
		if (spool_commit(&s->file, s->id, name) < 0)
			write_failed(s, errno);
	}
	if (!s->failed) {
		spool_wake(s->fd_spool, name);
		log_accept(s, name);
	} else
		log_1("refused", "reply", s->failed);
	for (unsigned int i = 0; i < s->e.count; i++)
		if (s->failed)
			net_putf(&s->net, "%s\r\n", s->failed);
		else
			net_putf(&s->net, "250 2.0.0 Queued as %s\r\n", name);
	recv_reset(s);
	log_id(id_connection());
}

/* The end of the session in the midst of a message. */
static int
gone(struct recv_session *s, ssize_t n)
{
	if (n < 0 && errno == ETIMEDOUT)
		recv_late(s, "message");
	return 1;
}

int
recv_data(void *session, char *arg, size_t len)
{
	struct recv_session *s = session;
	char *in;
	(void)arg, (void)len;
	recv_reply(s, R_GO);
	begin(s, 0);
	for (int done = 0; !done;) {
		size_t used;
		ssize_t n = net_fill(&s->net, &in);
		if (n <= 0)
			return gone(s, n);
		done = take(s, in, (size_t)n, &used);
		net_consume(&s->net, used);
	}
	end(s);
	return 0;
}

/* Reads size bytes into the message, or drops them. 0, or 1 when the connection ends. */
static int
chunk(struct recv_session *s, uint64_t size, int keep)
{
	char *in;
	while (size) {
		size_t used;
		ssize_t n = net_fill(&s->net, &in);
		if (n <= 0)
			return gone(s, n);
		used = (uint64_t)n < size ? (size_t)n : (size_t)size;
		if (keep)
			take(s, in, used, &used);
		net_consume(&s->net, used);
		size -= used;
	}
	return 0;
}

/* BDAT size [LAST] (RFC 3030 2). The chunk follows whatever we think of the command, so it is read
 * even out of order. */
int
recv_bdat(void *session, char *arg, size_t len)
{
	struct recv_session *s = session;
	uint64_t size;
	int last;
	(void)len;
	if (smtp_bdat_parse(arg, &size, &last) < 0) {
		recv_reply(s, R_SYNTAX "BDAT size [LAST]");
		return 1; /* where the next command begins is unknown */
	}
	int wanted = s->state == RCPT || s->state == CHUNKS;
	if (s->state == RCPT)
		begin(s, 1);
	if (chunk(s, size, wanted))
		return 1;
	if (!wanted) {
		recv_reply(s, R_NO_RCPT);
		return 0;
	}
	s->state = CHUNKS;
	if (last) {
		char tail[2];
		size_t tail_len = smtp_data_end(&s->data, tail);
		if (s->open && !s->failed)
			spool_write(&s->file, tail, tail_len);
		end(s);
	} else
		recv_reply(s, s->failed ? s->failed : R_CHUNK_OK);
	return 0;
}

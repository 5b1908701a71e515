#include "mda-remote/send-text.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/pread-all.h"
#include "mda-remote/spool.h"

/* A sevenbit_put. */
static int
count_piece(void *arg, char const *s, size_t n)
{
	struct send_text *t = arg;
	t->size += smtp_client_length(s, n);
	if (n)
		t->last = s[n - 1];
	return 0;
}

/* Each piece of the text to put, which may return -1. Null, or what failed. */
typedef int put_fn(void *arg, char const *s, size_t n);
static char const *
each_piece(struct send_text *t, struct arena *a, put_fn *put, void *arg)
{
	char buf[SEND_BLOCK];
	uint64_t at = t->offset, end = t->offset + t->length;
	if (t->map)
		return sevenbit(a, t->map + t->offset, t->length, t->what, put, arg)
			   ? "sending the message"
			   : 0;
	while (at < end) {
		size_t const left = end - at < sizeof buf ? (size_t)(end - at) : sizeof buf;
		ssize_t n = pread_all(t->fd, buf, left, at);
		if (n <= 0) {
			errno = n ? errno : EIO;
			return "reading the spool";
		}
		if (put(arg, buf, (size_t)n) < 0)
			return "sending the message";
		at += (uint64_t)n;
	}
	return 0;
}

int
send_text_sevenbit(struct send_text *t, enum sevenbit_what what)
{
	void *map = mmap(0, t->offset + t->length, PROT_READ, MAP_PRIVATE, t->fd, 0);
	if (map == MAP_FAILED)
		return -1;
	t->map = map;
	t->what = what;
	return 0;
}

int
send_text_size(struct send_text *t, struct arena *a)
{
	t->size = 0;
	t->last = '\n';
	if (each_piece(t, a, count_piece, t))
		return -1;
	t->size += t->last == '\n' ? 0 : 2; /* the line end that is missing */
	return 0;
}

struct sending {
	struct send *s;
	struct send_text *t;
};

/* A sevenbit_put. */
static int
send_piece(void *arg, char const *s, size_t n)
{
	struct sending *x = arg;
	x->t->sent += smtp_client_length(s, n);
	/* Behind the octets that BDAT has promised, others would be taken for commands. */
	if (x->s->c.chunk && x->t->sent > x->t->size) {
		errno = EIO;
		return -1;
	}
	/* What it says before it has the whole message is no reply to that, and the rest is of no
	 * use to it. */
	if (!x->t->along && send_talks(x->s)) {
		errno = EPROTO;
		return -1;
	}
	send_deadline(x->s, SEND_BLOCK_SECONDS);
	int r = smtp_client_send(&x->s->c, s, n);
	errno = x->s->c.net.werr;
	return r;
}

char const *
send_text(struct send *s, struct send_text *t)
{
	struct sending x = {s, t};
	t->sent = 0;
	/* If it fails, cutting the connection is the only way not to send half a message. */
	char const *failed = each_piece(t, &s->arena, send_piece, &x);
	if (failed)
		return failed;
	t->sent += s->c.data_bol ? 0 : 2;
	if (s->c.chunk && t->sent != t->size) {
		errno = EIO;
		return "reading the spool";
	}
	smtp_client_send_end(&s->c);
	return 0;
}

char const *
send_text_bdat(struct send *s, struct send_text *t)
{
	smtp_client_bdat(&s->c, t->size);
	char const *failed = send_text(s, t);
	s->c.chunk = 0;
	return failed;
}

void
send_text_close(struct send_text *t)
{
	if (t->map)
		munmap(t->map, t->offset + t->length);
	t->map = 0;
}

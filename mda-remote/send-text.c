#include "mda-remote/send-text.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "mda-remote/sevenbit.h"
#include "mda-remote/spool.h"

/* A sevenbit_put: octets on the wire. */
static int
count_piece(void *arg, char const *s, size_t n)
{
	uint64_t *size = arg;
	*size += n;
	for (char const *end = s + n; (s = memchr(s, '\n', (size_t)(end - s))); s++)
		++*size;
	return 0;
}

uint64_t
send_text_sevenbit(struct send_text *t, struct arena *a)
{
	uint64_t size = 0;
	void *map = mmap(0, t->offset + t->length, PROT_READ, MAP_PRIVATE, t->fd, 0);
	if (map == MAP_FAILED)
		return 0;
	t->map = map;
	sevenbit(a, t->map + t->offset, t->length, count_piece, &size);
	return size;
}

/* A sevenbit_put. */
static int
send_piece(void *arg, char const *s, size_t n)
{
	struct send *out = arg;
	send_deadline(out, SEND_BLOCK_SECONDS);
	return smtp_client_send(&out->c, s, n);
}

static char const *
send_file(struct send *s, struct send_text const *t)
{
	char buf[SEND_BLOCK];
	uint64_t at = t->offset, end = t->offset + t->length;
	while (at < end) {
		ssize_t n = spool_pread(t->fd, buf, sizeof buf, at);
		if (n <= 0) {
			/* Cutting the connection is the only way not to send half a message. */
			errno = n ? errno : EIO;
			return "reading the spool";
		}
		if (send_piece(s, buf, (size_t)n) < 0) {
			errno = s->c.net.werr;
			return "sending the message";
		}
		at += (uint64_t)n;
	}
	return 0;
}

char const *
send_text(struct send *s, struct send_text *t)
{
	char const *failed = 0;
	if (!t->map)
		failed = send_file(s, t);
	else if (sevenbit(&s->arena, t->map + t->offset, t->length, send_piece, s)) {
		errno = s->c.net.werr;
		failed = "sending the message";
	}
	if (!failed)
		smtp_client_send_end(&s->c);
	return failed;
}

void
send_text_close(struct send_text *t)
{
	if (t->map)
		munmap(t->map, t->offset + t->length);
	t->map = 0;
}

/* Charsets beyond our own tables, by the C library's iconv. */
#include "lib/charset.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>

#include "lib/sa.h"
#include "lib/utf8.h"

#define CHUNK 4096

/* Converts up to iconv's own stop: octets of s taken. *stuck: the next octet cannot be converted.
 */
static size_t
convert(struct charset *c, stralloc *out, char *s, size_t n, int *stuck)
{
	size_t const before = n;
	*stuck = 0;
	for (;;) {
		sa_room(out, CHUNK);
		char *o = out->s + out->len;
		size_t room = CHUNK;
		size_t const r = iconv(c->iconv, &s, &n, &o, &room);
		int const e = errno;
		out->len += CHUNK - room;
		if (r == (size_t)-1 && e == E2BIG)
			continue;
		*stuck = r == (size_t)-1 && e == EILSEQ;
		return before - n;
	}
}

/* As convert, with U+FFFD for what is stuck: stops only at an incomplete end. */
static size_t
convert_all(struct charset *c, stralloc *out, char *s, size_t n)
{
	size_t done = 0;
	int stuck;
	for (;;) {
		done += convert(c, out, s + done, n - done, &stuck);
		if (!stuck || done == n)
			return done;
		char r[UTF8_MAX];
		sa_catb(out, r, utf8_encode(r, UTF8_REPLACEMENT));
		done++;
	}
}

static void
iconv_feed(struct charset *c, stralloc *out, char const *s, size_t n, int last)
{
	char piece[sizeof c->held + 1024];
	while (n) {
		size_t const k = n < 1024 ? n : 1024;
		size_t const have = c->held_len + k;
		memcpy(piece, c->held, c->held_len);
		memcpy(piece + c->held_len, s, k);
		size_t const done = convert_all(c, out, piece, have);
		/* More than a character left over means that iconv waits for what never comes. */
		size_t const keep = have - done < sizeof c->held ? have - done : 0;
		memcpy(c->held, piece + have - keep, keep);
		c->held_len = (unsigned int)keep;
		s += k;
		n -= k;
	}
	if (!last)
		return;
	if (c->held_len) {
		char r[UTF8_MAX];
		sa_catb(out, r, utf8_encode(r, UTF8_REPLACEMENT));
		c->held_len = 0;
	}
	iconv(c->iconv, 0, 0, 0, 0);
}

static void
iconv_end(struct charset *c)
{
	iconv_close(c->iconv);
}

int
charset_iconv(struct charset *c, char const *name)
{
	/* "//TRANSLIT" and the like are no part of a charset's name. */
	iconv_t const cd = strchr(name, '/') ? (iconv_t)-1 : iconv_open("UTF-8", name);
	if (cd == (iconv_t)-1)
		return -1;
	*c = (struct charset){.feed = iconv_feed, .close = iconv_end, .iconv = cd};
	return 0;
}

#include "smtp-recv/binary.h"

#include <stdlib.h>
#include <string.h>

#include "lib/ascii.h"
#include "lib/base64.h"
#include "lib/sa.h"
#include "lib/utf8.h"

#define PIECE 8192 /* octets of base64 that are put at a time */

/* Octets of a header's line; a longer one must not be a content field. And of one that begins as a
 * boundary's does: what is longer is none. */
enum { HEADER_LINE_MAX = BINARY_FIELD_MAX, BOUNDARY_LINE_MAX = MIME_BOUNDARY_MAX + 200 };

void
binary_init(struct binary *b, struct binary_sink const *sink)
{
	binary_free(b);
	*b = (struct binary){.sink = *sink, .arena = ARENA_ZERO, .bol = 1};
	b->levels = xmalloc(MIME_DEPTH_MAX * sizeof *b->levels);
	binary_header_begin(b);
}

void
binary_free(struct binary *b)
{
	b->failed = 0;
	if (!b->levels)
		return;
	free(b->levels);
	b->levels = 0;
	stralloc_free(&b->line);
	stralloc_free(&b->field);
	stralloc_free(&b->encoded);
	arena_free(&b->arena);
}

/* ---- output ---- */

void
binary_put(struct binary *b, char const *s, size_t n)
{
	if (b->failed || !n)
		return;
	if (b->depth && utf8_has8bit(s, n))
		b->levels[b->depth - 1].eightbit = 1;
	b->sink.put(b->sink.arg, s, n);
}

static void
put_encoded(struct binary *b)
{
	binary_put(b, b->encoded.s, b->encoded.len);
	sa_reset(&b->encoded);
}

/* A line; a line end stands only between two, as the last one may be a boundary's. */
static void
encode_line(struct binary *b, char const *s, size_t n)
{
	if (b->begun)
		sa_cats(&b->encoded, "\r\n");
	b->begun = 1;
	base64_encode(&b->encoded, s, n);
	if (b->encoded.len >= PIECE)
		put_encoded(b);
}

static void
encode(struct binary *b, char const *s, size_t n)
{
	while (n) {
		if (!b->rest_len && n >= BINARY_LINE) {
			encode_line(b, s, BINARY_LINE);
			s += BINARY_LINE;
			n -= BINARY_LINE;
			continue;
		}
		size_t k = BINARY_LINE - b->rest_len < n ? BINARY_LINE - b->rest_len : n;
		memcpy(b->rest + b->rest_len, s, k);
		b->rest_len += k;
		s += k;
		n -= k;
		if (b->rest_len == BINARY_LINE) {
			encode_line(b, b->rest, BINARY_LINE);
			b->rest_len = 0;
		}
	}
}

static void
encode_end(struct binary *b)
{
	if (b->mode != BINARY_ENCODE)
		return;
	if (b->rest_len)
		encode_line(b, b->rest, b->rest_len);
	put_encoded(b);
	b->rest_len = 0;
	b->mode = BINARY_AS_IS;
}

static void
put_body(struct binary *b, char const *s, size_t n)
{
	if (b->mode == BINARY_ENCODE)
		encode(b, s, n);
	else
		binary_put(b, s, n);
}

/* Octets of a body: a line end before them is one of the body's. */
static void
body(struct binary *b, char const *s, size_t n)
{
	if (b->owed)
		put_body(b, "\r\n", 2);
	b->owed = 0;
	put_body(b, s, n);
}

/* ---- levels ---- */

static void
leave(struct binary *b)
{
	struct binary_level const *l = b->levels + --b->depth;
	if (l->open_field && !l->eightbit && !b->failed)
		b->sink.sevenbit(b->sink.arg, l->place);
	if (b->depth)
		b->levels[b->depth - 1].eightbit |= l->eightbit;
}

/* The level whose boundary this line is, innermost first: its number from 1 on; 0: none. */
static unsigned int
boundary_of(struct binary const *b, char const *s, size_t n, int *closing)
{
	if (n < 2 || memcmp(s, "--", 2))
		return 0;
	s += 2;
	n -= 2;
	while (n && ascii_isblank(s[n - 1]))
		n--;
	for (unsigned int i = b->depth; i; i--) {
		struct binary_level const *l = b->levels + i - 1;
		if (!l->len || n < l->len || memcmp(s, l->boundary, l->len))
			continue;
		*closing = n == l->len + 2 && !memcmp(s + l->len, "--", 2);
		if (*closing || n == l->len)
			return i;
	}
	return 0;
}

/* A part ends at this boundary line. */
static void
boundary(struct binary *b, unsigned int level, int closing, char const *s, size_t n)
{
	encode_end(b);
	while (b->depth > level)
		leave(b);
	if (b->owed)
		binary_put(b, "\r\n", 2);
	b->owed = 0;
	binary_put(b, s, n);
	binary_put(b, "\r\n", 2);
	if (closing) { /* what follows is nobody's text, and still within */
		b->levels[level - 1].len = 0;
		b->mode = BINARY_AS_IS;
	} else
		binary_header_begin(b);
}

/* ---- input ---- */

/* A whole line that was held: header, boundary, or body. */
static void
line_done(struct binary *b)
{
	int closing;
	char const *s = b->line.s;
	size_t n = b->line.len - 2;
	unsigned int level = boundary_of(b, s, n, &closing);
	if (level) {
		if (b->mode == BINARY_HEADER)
			binary_header_cut(b);
		boundary(b, level, closing, s, n);
	} else if (b->mode != BINARY_HEADER) {
		body(b, s, n);
		b->owed = 1;
	} else if (n)
		binary_header_line(b, s, n);
	else
		binary_header_end(b);
	sa_reset(&b->line);
}

/* What is held is the beginning of no line that matters whole. */
static void
let_go(struct binary *b)
{
	/* A CR at its end may be half of the line end. */
	b->cr = b->line.len && b->line.s[b->line.len - 1] == '\r';
	b->line.len -= b->cr ? 1 : 0;
	if (b->mode == BINARY_HEADER)
		binary_header_long(b, b->line.s, b->line.len);
	else
		body(b, b->line.s, b->line.len);
	sa_reset(&b->line);
	b->bol = 0;
}

/* A line may be a boundary's as long as it begins with "--", or empty. */
static int
may_matter(struct binary const *b)
{
	char const *s = b->line.s;
	size_t n = b->line.len;
	if (b->mode == BINARY_HEADER)
		return n < HEADER_LINE_MAX;
	return n < BOUNDARY_LINE_MAX &&
	       ((*s == '-' && (n == 1 || s[1] == '-')) || (n == 1 && *s == '\r'));
}

static void
hold(struct binary *b, char c)
{
	stralloc *l = &b->line;
	sa_append(l, c);
	if (l->len > 1 && c == '\n' && l->s[l->len - 2] == '\r')
		line_done(b);
	else if (!may_matter(b))
		let_go(b);
}

/* The rest of a line that does not matter, up to its CR LF. */
static size_t
pass(struct binary *b, char const *s, size_t n)
{
	if (b->cr) {
		b->cr = 0;
		if (*s == '\n') {
			b->bol = 1;
			if (b->mode == BINARY_HEADER)
				binary_put(b, "\r\n", 2);
			else
				b->owed = 1;
			return 1;
		}
		body(b, "\r", 1);
	}
	char const *cr = memchr(s, '\r', n);
	size_t k = cr ? (size_t)(cr - s) : n;
	if (k)
		body(b, s, k);
	b->cr = !!cr;
	return k + (cr ? 1 : 0);
}

void
binary_feed(struct binary *b, char const *s, size_t n)
{
	while (n && !b->failed) {
		size_t k = 1;
		if (b->bol)
			hold(b, *s);
		else
			k = pass(b, s, n);
		s += k;
		n -= k;
	}
}

void
binary_end(struct binary *b)
{
	int closing;
	char const *s = b->line.s;
	size_t n = b->line.len;
	unsigned int level = boundary_of(b, s, n, &closing);
	if (level && closing && b->mode != BINARY_HEADER)
		boundary(b, level, closing, s, n);
	else if (n)
		let_go(b);
	if (b->cr)
		body(b, "\r", 1);
	if (b->mode == BINARY_HEADER)
		binary_header_cut(b);
	body(b, "", 0);
	encode_end(b);
	while (b->depth)
		leave(b);
}

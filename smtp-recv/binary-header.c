/* A part's header: its two fields that matter here are read and, if need be, written anew; by them
 * the part is one that is encoded, one with parts inside, or one that stays. */
#include <string.h>

#include "lib/ascii.h"
#include "lib/header-token.h"
#include "lib/sa.h"
#include "smtp-recv/binary.h"

void
binary_header_begin(struct binary *b)
{
	b->mode = BINARY_HEADER;
	b->kind = MIME_FIELDS;
	b->has_type = b->has_encoding = b->binary = b->is_coded = 0;
	memset(&b->type, 0, sizeof b->type);
	sa_reset(&b->field);
	arena_reset(&b->arena);
}

/* ---- fields ---- */

static void
put_line(struct binary *b, char const *s, size_t n)
{
	binary_put(b, s, n);
	binary_put(b, "\r\n", 2);
}

static void
take_encoding(struct binary *b, struct header_field const *f)
{
	struct token_cursor t = {.p = f->body, .end = f->body + f->body_len};
	stralloc word = STRALLOC_ZERO;
	token_skip(&t);
	token_mime(&t, &word);
	char const *s = sa_str(&word);
	b->binary = ascii_ieq(s, word.len, "binary");
	b->is_coded =
	    ascii_ieq(s, word.len, "base64") || ascii_ieq(s, word.len, "quoted-printable");
	stralloc_free(&word);
}

/* Two of a kind can be read in two ways: no such message is anybody's loss. */
static void
field_done(struct binary *b)
{
	struct header_cursor c;
	struct header_field f;
	int *has = b->kind == MIME_CONTENT_TYPE ? &b->has_type : &b->has_encoding;
	if (b->kind == MIME_FIELDS)
		return;
	/* What is read points into it. */
	header_start(&c, arena_strndup(&b->arena, b->field.s, b->field.len), b->field.len);
	if (*has || !header_next(&c, &f)) {
		b->failed = 1;
		return;
	}
	*has = 1;
	if (b->kind == MIME_CONTENT_TYPE)
		mime_content_type(&b->arena, &f, &b->type);
	else
		take_encoding(b, &f);
	if (b->kind == MIME_CONTENT_TYPE || !b->binary)
		binary_put(b, b->field.s, b->field.len);
	b->kind = MIME_FIELDS;
}

static enum mime_field
kind_of(char const *s, size_t n)
{
	char const *colon = memchr(s, ':', n);
	size_t len = colon ? (size_t)(colon - s) : 0;
	/* RFC 5322 4.5: blanks before the colon were allowed once. */
	while (len && ascii_isblank(s[len - 1]))
		len--;
	return ascii_ieq(s, len, "Content-Type")		? MIME_CONTENT_TYPE
	       : ascii_ieq(s, len, "Content-Transfer-Encoding") ? MIME_CONTENT_ENCODING
								: MIME_FIELDS;
}

void
binary_header_line(struct binary *b, char const *s, size_t n)
{
	if (!ascii_isblank(*s)) {
		field_done(b);
		b->kind = kind_of(s, n);
		sa_reset(&b->field);
	}
	if (b->kind == MIME_FIELDS) {
		put_line(b, s, n);
		return;
	}
	if (b->field.len + n > BINARY_FIELD_MAX) {
		b->failed = 1;
		return;
	}
	sa_catb(&b->field, s, n);
	sa_cats(&b->field, "\r\n");
}

void
binary_header_long(struct binary *b, char const *s, size_t n)
{
	if (n && !ascii_isblank(*s)) {
		field_done(b);
		b->kind = kind_of(s, n);
	}
	if (b->kind != MIME_FIELDS)
		b->failed = 1;
	binary_put(b, s, n);
}

/* ---- what the part is ---- */

static int
is(char const *s, char const *word)
{
	return s && ascii_ieq(s, strlen(s), word);
}

static void
put_encoding(struct binary *b, char const *encoding)
{
	binary_put(b, "Content-Transfer-Encoding: ", 27);
	put_line(b, encoding, strlen(encoding));
}

/* One level more; with its field, if it is to have a new one. */
static struct binary_level *
enter(struct binary *b)
{
	if (b->depth == MIME_DEPTH_MAX) {
		b->failed = 1;
		return 0;
	}
	int in_signed = b->depth && b->levels[b->depth - 1].is_signed;
	if (b->binary)
		put_encoding(b, "8bit");
	struct binary_level *l = b->levels + b->depth++;
	*l = (struct binary_level){.open_field = b->binary, .is_signed = in_signed};
	if (b->binary)
		l->place = b->sink.place(b->sink.arg);
	return l;
}

static void
enter_multipart(struct binary *b)
{
	int extended;
	char const *boundary = mime_param(&b->type, "boundary", &extended);
	struct binary_level *l = enter(b);
	size_t n = boundary ? strlen(boundary) : 0;
	if (!l || n > MIME_BOUNDARY_MAX) {
		b->failed = 1;
		return;
	}
	memcpy(l->boundary, boundary ? boundary : "", n);
	l->len = n;
	l->digest = is(b->type.subtype, "digest");
	l->is_signed |= is(b->type.subtype, "signed");
}

/* Nothing is left that an encoding could be of. */
void
binary_header_cut(struct binary *b)
{
	field_done(b);
	if (b->binary)
		put_encoding(b, "7bit");
	b->binary = 0;
}

void
binary_header_end(struct binary *b)
{
	struct binary_level const *in = b->depth ? b->levels + b->depth - 1 : 0;
	field_done(b);
	char const *type = b->type.type, *subtype = b->type.subtype;
	int digest = in && in->digest && !b->has_type;
	int message =
	    digest || (is(type, "message") && (is(subtype, "rfc822") || is(subtype, "global")));
	/* A signature is over the part as it was sent (RFC 1847 2.1). */
	if (b->binary && in && in->is_signed)
		b->failed = 1;
	b->mode = BINARY_AS_IS;
	if (b->failed)
		return;
	if (is(type, "multipart"))
		enter_multipart(b);
	else if (message && !b->is_coded) {
		enter(b);
		put_line(b, "", 0);
		binary_header_begin(b);
		return;
	} else if (b->binary && is(type, "message"))
		enter(b); /* none of these may be encoded: RFC 2046 5.2.2, 5.2.3 */
	else if (b->binary) {
		put_encoding(b, "base64");
		b->mode = BINARY_ENCODE;
		b->rest_len = 0;
		b->begun = 0;
	}
	put_line(b, "", 0);
}

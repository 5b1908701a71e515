#include "sieve/compose.h"

#include <stdint.h>
#include <string.h>

#include "lib/address.h"
#include "lib/ascii.h"
#include "lib/base64.h"
#include "lib/charset.h"
#include "lib/date.h"
#include "lib/id.h"
#include "lib/sa.h"
#include "lib/utf8.h"

/* Octets of text in one encoded word: with its frame at most 75 (RFC 2047 2). */
#define WORD_OCTETS 45

static int
is_control(char c)
{
	return (unsigned char)c < ' ' || c == 127;
}

/* ---- encoded words (RFC 2047) ---- */

/* Appends text[0..n) as encoded words, lines folded between them. */
static void
put_words(stralloc *out, char const *text, size_t n)
{
	for (size_t at = 0, len; at < n; at += len) {
		len = n - at < WORD_OCTETS ? n - at : WORD_OCTETS;
		/* A character is in one word (5). */
		while (at + len < n && len > 1 && ((unsigned char)text[at + len] & 0xC0) == 0x80)
			len--;
		sa_cats(out, at ? "\n =?utf-8?B?" : "=?utf-8?B?");
		base64_encode(out, text + at, len);
		sa_cats(out, "?=");
	}
}

/* Appends ASCII text, folded at blanks where it is longer than a line. */
static void
put_folded(stralloc *out, size_t column, char const *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t word = 1;
		while (i + word < n && text[i + word] != ' ')
			word++;
		if (text[i] == ' ' && column + word > COMPOSE_COLUMNS && word > 1 && column > 1) {
			sa_append(out, '\n');
			column = 0;
		}
		column++;
		sa_append(out, text[i]);
	}
}

/* The text of a field as it can be written: controls are blanks, its length is bounded, the ends
 * without blanks. */
static void
clean(stralloc *out, char const *text, size_t n, size_t max)
{
	size_t count = 0, at = 0;
	utf8_repair(out, text, n);
	while (at < out->len && count++ < max) {
		uint32_t c;
		if (is_control(out->s[at]))
			out->s[at] = ' ';
		at += utf8_decode(out->s + at, out->len - at, &c);
	}
	int const cut = at < out->len;
	out->len = at;
	if (cut)
		sa_cats(out, "...");
	while (out->len && out->s[out->len - 1] == ' ')
		out->len--;
}

/* What looks like an encoded word and is ASCII already must not become one for the reader. */
static int
needs_words(char const *s, size_t n)
{
	if (utf8_has8bit(s, n))
		return 1;
	for (size_t i = 0, run = 0; i < n; i++) {
		run = s[i] == ' ' ? 0 : run + 1;
		if (run > COMPOSE_LINE_MAX / 2 || (s[i] == '=' && i + 1 < n && s[i + 1] == '?'))
			return 1;
	}
	return 0;
}

static void
put_text(stralloc *out, char const *name, char const *text, size_t n, size_t max)
{
	stralloc line = STRALLOC_ZERO;
	clean(&line, text, n, max);
	char const *s = line.s;
	size_t len = line.len;
	while (len && *s == ' ')
		s++, len--;
	sa_cats(out, name);
	sa_cats(out, ": ");
	if (needs_words(s, len))
		put_words(out, s, len);
	else
		put_folded(out, strlen(name) + 2, s, len);
	sa_append(out, '\n');
	stralloc_free(&line);
}

void
compose_text(stralloc *out, char const *name, char const *text, size_t n)
{
	put_text(out, name, text, n, COMPOSE_TEXT_MAX);
}

void
compose_field(stralloc *out, char const *name, char const *text, size_t n)
{
	put_text(out, name, text, n, SIZE_MAX);
}

/* ---- addresses ---- */

static void
put_address(stralloc *out, struct address const *a)
{
	stralloc name = STRALLOC_ZERO;
	if (a->name && utf8_has8bit(a->name, strlen(a->name))) {
		clean(&name, a->name, strlen(a->name), COMPOSE_TEXT_MAX);
		put_words(out, name.s, name.len);
		sa_cats(out, " <");
		address_spec(out, a);
		sa_append(out, '>');
	} else
		address_format(out, a);
	stralloc_free(&name);
}

void
compose_addresses(stralloc *out, char const *name, char const *text, size_t n)
{
	struct arena arena = ARENA_ZERO;
	size_t count = 0;
	for (struct address *a = address_parse(&arena, text, n); a; a = a->next) {
		if (a->kind != ADDRESS_MAILBOX || a->broken || !a->mailbox || !a->host || !*a->host)
			continue;
		if (count == COMPOSE_ADDRESSES_MAX)
			break;
		sa_cats(out, count++ ? ",\n " : name);
		sa_cats(out, count == 1 ? ": " : "");
		size_t const from = out->len;
		put_address(out, a);
		for (size_t i = from; i < out->len; i++)
			if (is_control(out->s[i]) && out->s[i] != '\n')
				out->s[i] = ' ';
	}
	if (count)
		sa_append(out, '\n');
	arena_free(&arena);
}

void
compose_address(stralloc *out, char const *name, char const *address)
{
	sa_cats(out, name);
	sa_cats(out, ": <");
	for (; *address; address++)
		if (!is_control(*address))
			sa_append(out, *address);
	sa_cats(out, ">\n");
}

/* ---- bodies ---- */

/* Can the text go as it is (RFC 2045 2.7)? */
static int
is_7bit(char const *s, size_t n)
{
	for (size_t i = 0, column = 0; i < n; i++) {
		column = s[i] == '\n' ? 0 : column + 1;
		if ((s[i] & 0x80) || !s[i] || s[i] == '\r' || column > COMPOSE_LINE_MAX)
			return 0;
	}
	return 1;
}

/* Quoted-printable (RFC 2045 6.7). */
static void
put_qp(stralloc *out, char const *s, size_t n)
{
	size_t column = 0;
	for (size_t i = 0; i < n; i++) {
		int const ends = i + 1 == n || s[i + 1] == '\n';
		if (s[i] == '\n') {
			sa_append(out, '\n');
			column = 0;
			continue;
		}
		int const plain = (s[i] > ' ' && s[i] < 127 && s[i] != '=') ||
				  ((s[i] == ' ' || s[i] == '\t') && !ends);
		if (column + (plain ? 1 : 3) > COMPOSE_COLUMNS - !ends) {
			sa_cats(out, "=\n");
			column = 0;
		}
		if (plain)
			sa_append(out, s[i]);
		else
			sa_catf(out, "=%02X", (unsigned int)(unsigned char)s[i]);
		column += plain ? 1 : 3;
	}
}

void
compose_body(stralloc *out, char const *text, size_t n)
{
	stralloc s = STRALLOC_ZERO;
	compose_lf(&s, text, n);
	if (s.len && s.s[s.len - 1] != '\n')
		sa_append(&s, '\n');
	int const plain = is_7bit(s.s, s.len);
	sa_cats(out, "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: ");
	sa_cats(out, plain ? "7bit\n\n" : "quoted-printable\n\n");
	if (plain)
		sa_catb(out, s.s, s.len);
	else
		put_qp(out, s.s, s.len);
	stralloc_free(&s);
}

static int
entity_field(struct header_field const *f)
{
	return f->name_len > 8 && ascii_ieq(f->name, 8, "content-") &&
	       !utf8_has8bit(f->start, f->len) && !memchr(f->start, 0, f->len);
}

void
compose_entity(stralloc *out, char const *entity, size_t n)
{
	stralloc s = STRALLOC_ZERO;
	struct header_cursor c;
	struct header_field f;
	int encoded = 0;
	compose_lf(&s, entity, n);
	header_start(&c, s.s, s.len);
	while (header_next(&c, &f)) {
		if (!entity_field(&f))
			continue;
		encoded |= header_is(&f, "Content-Transfer-Encoding");
		sa_catb(out, f.start, f.len);
		if (out->s[out->len - 1] != '\n')
			sa_append(out, '\n');
	}
	size_t const body = (size_t)(s.s + s.len - c.p);
	if (!encoded && utf8_has8bit(c.p, body))
		sa_cats(out, "Content-Transfer-Encoding: 8bit\n");
	sa_append(out, '\n');
	sa_catb(out, c.p, body);
	if (body && s.s[s.len - 1] != '\n')
		sa_append(out, '\n');
	stralloc_free(&s);
}

/* ---- small things ---- */

void
compose_date(stralloc *out, int64_t now)
{
	sa_cats(out, "Date: ");
	date_rfc5322(out, now, date_local_zone(now));
	sa_append(out, '\n');
}

void
compose_id(stralloc *out, char const *host)
{
	char id[ID_MAX + 1];
	id_new(id);
	sa_cats(out, "Message-ID: <");
	sa_cats(out, id);
	sa_cats(out, ".sieve@");
	sa_cats(out, host);
	sa_cats(out, ">\n");
}

void
compose_boundary(stralloc *out, char const *msg, size_t n)
{
	char id[ID_MAX + 1];
	do
		id_new(id);
	while (memmem(msg, n, id, strlen(id)));
	sa_cats(out, id);
}

void
compose_lf(stralloc *out, char const *s, size_t n)
{
	while (n) {
		char const *const cr = memchr(s, '\r', n);
		size_t const len = cr ? (size_t)(cr - s) : n;
		sa_catb(out, s, len);
		s += len;
		n -= len;
		if (n && !(n > 1 && s[1] == '\n'))
			sa_append(out, '\r');
		if (n)
			s++, n--;
	}
}

void
compose_read(stralloc *out, struct header_field const *f)
{
	stralloc line = STRALLOC_ZERO;
	header_unfold(&line, f);
	charset_decode_words(out, line.s, line.len, 0);
	stralloc_free(&line);
}

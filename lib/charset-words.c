/* Encoded words (RFC 2047). */
#include "lib/charset.h"

#include <string.h>

#include "lib/ascii.h"
#include "lib/sa.h"
#include "lib/utf8.h"

/* "=?charset*language?e?text?=" (RFC 2047 2, RFC 2231 5) */
struct word {
	char const *charset, *text, *end;
	size_t charset_len, text_len;
	char encoding;
};

static int
word_at(char const *s, size_t n, struct word *w)
{
	if (n < 7 || s[0] != '=' || s[1] != '?')
		return 0;
	w->charset = s + 2;
	char const *end = s + n, *q = memchr(w->charset, '?', (size_t)(end - w->charset));
	if (!q || q == w->charset || end - q < 5 || q[2] != '?')
		return 0;
	w->encoding = ascii_tolower(q[1]);
	w->text = q + 3;
	char const *close = memchr(w->text, '?', (size_t)(end - w->text));
	if (!close || end - close < 2 || close[1] != '=')
		return 0;
	w->text_len = (size_t)(close - w->text);
	w->end = close + 2;
	char const *star = memchr(w->charset, '*', (size_t)(q - w->charset));
	w->charset_len = (size_t)((star ? star : q) - w->charset);
	/* RFC 2047 2: no blank inside; it would be text that only looks like a word. */
	for (char const *p = s; p < w->end; p++)
		if (ascii_isspace(*p) && (w->encoding != 'q' || p < w->text))
			return 0;
	return 1;
}

/* Appends the octets of a word's text. */
static int
word_octets(stralloc *out, struct word const *w)
{
	if (w->encoding == 'q')
		return qp_decode_word(out, w->text, w->text_len);
	if (w->encoding != 'b')
		return -1;
	struct base64_stream b = {0};
	base64_feed(&b, out, w->text, w->text_len);
	base64_feed(&b, out, "=", 1);
	return 0;
}

static int
same_charset(struct word const *x, struct word const *y)
{
	if (x->charset_len != y->charset_len)
		return 0;
	for (size_t i = 0; i < x->charset_len; i++)
		if (ascii_tolower(x->charset[i]) != ascii_tolower(y->charset[i]))
			return 0;
	return 1;
}

static size_t
blanks(char const *p, char const *end)
{
	size_t n = 0;
	while (p + n < end && ascii_isspace(p[n]))
		n++;
	return n;
}

/* Decodes the word at p and those of the same charset that follow it: where they end, null if
 * nothing could be decoded. */
static char const *
decode_run(stralloc *out, stralloc *octets, struct word const *first, char const *end,
    charset_open_fn *otherwise)
{
	struct word next;
	char const *done = first->end;
	sa_reset(octets);
	if (word_octets(octets, first))
		return 0;
	for (;;) {
		char const *p = done + blanks(done, end);
		if (!word_at(p, (size_t)(end - p), &next) || !same_charset(first, &next) ||
		    word_octets(octets, &next))
			break;
		done = next.end;
	}
	return charset_to_utf8(
		   out, first->charset, first->charset_len, octets->s, octets->len, otherwise)
		   ? 0
		   : done;
}

void
charset_decode_words(stralloc *out, char const *s, size_t n, charset_open_fn *otherwise)
{
	if (!n)
		return; /* s may be null */
	stralloc octets = STRALLOC_ZERO;
	char const *p = s, *end = s + n, *text = s; /* text: where what is not yet put begins */
	int behind_word = 0;
	while (p < end) {
		struct word w;
		char const *q = memchr(p, '=', (size_t)(end - p));
		if (!q)
			break;
		if (!word_at(q, (size_t)(end - q), &w)) {
			p = q + 1;
			continue;
		}
		size_t const before = out->len;
		/* RFC 2047 6.2: blanks between two words are not shown. */
		if (!behind_word || text + blanks(text, q) != q)
			utf8_repair(out, text, (size_t)(q - text));
		char const *done = decode_run(out, &octets, &w, end, otherwise);
		if (!done) {
			out->len = before;
			p = w.end;
			continue;
		}
		p = text = done;
		behind_word = 1;
	}
	utf8_repair(out, text, (size_t)(end - text));
	stralloc_free(&octets);
}

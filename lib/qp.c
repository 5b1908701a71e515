#include "lib/qp.h"

#include <string.h>

#include "lib/ascii.h"
#include "lib/sa.h"

static int
hex_value(char c)
{
	c = ascii_tolower(c);
	return ascii_isdigit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void
release(struct qp_stream *q, stralloc *out)
{
	sa_catb(out, q->held, q->held_len);
	q->held_len = 0;
}

/* One octet while "=" and perhaps more is held. 1 if c has been used. */
static int
in_escape(struct qp_stream *q, stralloc *out, char c)
{
	char const last = q->held[q->held_len - 1];
	int const soft = q->held_len == 1 || ascii_isspace(last); /* only blanks behind the "=" */
	if (soft && c == '\n') {
		q->held_len = 0;
		return 1;
	}
	if (soft && (c == '\r' || ascii_isblank(c))) {
		if (q->held_len == QP_HELD)
			release(q, out);
		q->held[q->held_len++] = c;
		return 1;
	}
	if (hex_value(c) < 0 || q->held_len > 2 || (q->held_len == 2 && hex_value(last) < 0)) {
		release(q, out);
		return 0;
	}
	q->held[q->held_len++] = c;
	if (q->held_len == 3) {
		sa_append(out, (char)(hex_value(q->held[1]) << 4 | hex_value(c)));
		q->held_len = 0;
	}
	return 1;
}

/* Blanks and CR are held until it is known whether the line ends behind them. */
static void
put_octet(struct qp_stream *q, stralloc *out, char c)
{
	if (q->held_len && q->held[0] == '=') {
		if (in_escape(q, out, c))
			return;
	}
	if (c == '=' || ascii_isblank(c) || c == '\r') {
		if (c == '=' || q->held_len == QP_HELD)
			release(q, out);
		q->held[q->held_len++] = c;
		return;
	}
	if (c == '\n') {
		int const cr = q->held_len && q->held[q->held_len - 1] == '\r';
		q->held_len = 0;
		sa_catb(out, cr ? "\r\n" : "\n", cr ? 2 : 1);
		return;
	}
	release(q, out);
	sa_append(out, c);
}

/* Octets at s[0..n) that stand for themselves: whole lines, and what stands before a "=", a CR, or
 * blanks behind which a line may end. */
static size_t
plain_run(char const *s, size_t n)
{
	char const *const escape = memchr(s, '=', n);
	size_t const end = escape ? (size_t)(escape - s) : n;
	size_t k = 0;
	for (char const *lf; k < end && (lf = memchr(s + k, '\n', end - k));) {
		size_t const line_end = (size_t)(lf - s);
		if (line_end > k && (ascii_isblank(lf[-1]) || lf[-1] == '\r'))
			break;
		k = line_end + 1;
	}
	/* In the line at k: up to the last octet that is no blank. */
	char const *const lf = memchr(s + k, '\n', end - k);
	size_t stop = lf ? (size_t)(lf - s) : end;
	char const *const cr = memchr(s + k, '\r', stop - k);
	stop = cr ? (size_t)(cr - s) : stop;
	/* Blanks before a "=" may be followed by a soft line end, which leaves them. */
	while (stop > k && (stop < end || !escape) && ascii_isblank(s[stop - 1]))
		stop--;
	return stop;
}

void
qp_feed(struct qp_stream *q, stralloc *out, char const *s, size_t n, int last)
{
	for (size_t i = 0; i < n;) {
		size_t const k = q->held_len ? 0 : plain_run(s + i, n - i);
		if (k)
			sa_catb(out, s + i, k);
		else
			put_octet(q, out, s[i++]);
		i += k;
	}
	if (!last || !q->held_len)
		return;
	/* At the end a lone "=" is a soft break, blanks belong to no text, a cut escape stays. */
	if (q->held[0] == '=' && q->held_len == 2 && hex_value(q->held[1]) >= 0)
		release(q, out);
	q->held_len = 0;
}

int
qp_decode_word(stralloc *out, char const *s, size_t n)
{
	size_t const before = out->len;
	for (size_t i = 0; i < n; i++) {
		int high, low;
		if (s[i] == '_') {
			sa_append(out, ' ');
		} else if (s[i] != '=') {
			sa_append(out, s[i]);
		} else if (n - i > 2 && (high = hex_value(s[i + 1])) >= 0 &&
			   (low = hex_value(s[i + 2])) >= 0) {
			sa_append(out, (char)(high << 4 | low));
			i += 2;
		} else {
			out->len = before;
			return -1;
		}
	}
	return 0;
}

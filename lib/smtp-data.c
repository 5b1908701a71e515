#include "lib/smtp-data.h"

#include <string.h>

#include <skalibs/types.h>

#include "lib/ascii.h"
#include "lib/utf8.h"

#define BDAT_DIGITS 19 /* of a chunk's size */

enum state {
	TEXT,
	BOL,	/* behind CR LF, or at the very beginning */
	CR,	/* a CR is held back */
	DOT,	/* a dot that began a line is held back */
	DOT_CR, /* the same, and a CR behind it */
};

void
smtp_data_init(struct smtp_data *d, int chunked)
{
	memset(d, 0, sizeof *d);
	d->state = BOL;
	d->chunked = chunked;
}

static void
line_end(struct smtp_data *d)
{
	d->size += 2;
	if (d->line > d->longest)
		d->longest = d->line;
	d->line = 0;
}

static void
count(struct smtp_data *d, size_t n)
{
	d->size += n;
	d->line += n;
}

/* Bytes up to the next CR or LF, at most n. */
static size_t
span(char const *s, size_t n)
{
	char const *cr = memchr(s, '\r', n);
	size_t len = cr ? (size_t)(cr - s) : n;
	char const *lf = memchr(s, '\n', len);
	return lf ? (size_t)(lf - s) : len;
}

/* plain: there is neither a NUL nor an eighth bit in it. */
static size_t
copy_span(struct smtp_data *d, char const *in, size_t n, char *out, int plain)
{
	n = span(in, n);
	memcpy(out, in, n);
	count(d, n);
	if (plain)
		return n;
	if (!d->nul && memchr(in, 0, n))
		d->nul = 1;
	if (!d->eightbit && utf8_has8bit(in, n))
		d->eightbit = 1;
	return n;
}

/* A CR or an LF in TEXT, followed by `next`, and what of both is used. */
static char *
text_break(struct smtp_data *d, char c, char next, size_t *used, char *o)
{
	*used = 1;
	if (c == '\r' && next == '\n') {
		*used = 2;
		d->state = BOL;
		line_end(d);
		*o++ = '\n';
		return o;
	}
	if (c == '\r') {
		d->state = CR;
		return o;
	}
	/* The next line did not begin behind CR LF, so its dot means nothing: state stays TEXT. */
	d->bare_lf = 1;
	line_end(d);
	*o++ = '\n';
	return o;
}

/* What follows a held CR: 1 if c was used. */
static int
after_cr(struct smtp_data *d, char c, char **o)
{
	if (c == '\n') {
		line_end(d);
		*(*o)++ = '\n';
		d->state = BOL;
		return 1;
	}
	d->bare_cr = 1;
	count(d, 1);
	*(*o)++ = ' ';
	if (c != '\r')
		d->state = TEXT;
	return c == '\r';
}

size_t
smtp_data_feed(struct smtp_data *d, char const *in, size_t n, char *out, size_t *outlen, int *done)
{
	size_t i = 0, len;
	char *o = out;
	/* Of all at once, as most is; what stands behind the message's end can only say no. */
	int const plain = !memchr(in, 0, n) && !utf8_has8bit(in, n);
	*done = 0;
	while (i < n && !*done) {
		char c = in[i];
		switch ((enum state)d->state) {
		case TEXT:
			if (c == '\r' || c == '\n') {
				o = text_break(d, c, i + 1 < n ? in[i + 1] : 0, &len, o);
			} else {
				len = copy_span(d, in + i, n - i, o, plain);
				o += len;
			}
			i += len;
			break;
		case BOL:
			d->state = c == '.' && !d->chunked ? DOT : TEXT;
			i += d->state == DOT;
			break;
		case CR:
			i += (size_t)after_cr(d, c, &o);
			break;
		case DOT: /* the first dot of a longer line is dropped: RFC 5321 4.5.2 */
			d->state = c == '\r' ? DOT_CR : TEXT;
			i += c == '\r';
			break;
		case DOT_CR:
			d->state = c == '\n' ? BOL : CR;
			*done = c == '\n';
			i += (size_t)*done;
			break;
		}
	}
	*outlen = (size_t)(o - out);
	return i;
}

size_t
smtp_data_end(struct smtp_data *d, char out[static 2])
{
	size_t n = 0;
	if (d->state == CR) {
		d->bare_cr = 1;
		count(d, 1);
		out[n++] = ' ';
	}
	if (d->line) {
		line_end(d);
		out[n++] = '\n';
	}
	d->state = BOL;
	return n;
}

int
smtp_bdat_parse(char const *arg, uint64_t *size, int *last)
{
	size_t n = ascii_isdigit(*arg) ? uint64_scan(arg, size) : 0;
	if (!n || n > BDAT_DIGITS)
		return -1;
	*last = arg[n] == ' ' && ascii_ieq(arg + n + 1, strlen(arg + n + 1), "LAST");
	return arg[n] && !*last ? -1 : 0;
}

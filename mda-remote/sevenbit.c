#include "mda-remote/sevenbit.h"

#include <string.h>
#include <strings.h>

#include "lib/header.h"
#include "lib/mime.h"
#include "lib/utf8.h"

#define QP_LINE 76 /* RFC 2045 6.7 (5): octets of an encoded line, a soft break's "=" included */
#define QP_BUFFER 4096

#define ENCODING_QP "Content-Transfer-Encoding: quoted-printable\n"
#define ENCODING_7BIT "Content-Transfer-Encoding: 7bit\n"
/* RFC 1428 section 3: who knows what these octets mean. */
#define VERSION "MIME-Version: 1.0\n"
#define UNKNOWN_TEXT VERSION "Content-Type: text/plain; charset=unknown-8bit\n" ENCODING_QP

struct sevenbit {
	struct arena *arena;
	char const *msg;
	sevenbit_put *put;
	void *arg;
	enum sevenbit_what what;
	int mime; /* it has a MIME-Version */
	/* Quoted-printable on its way. */
	char buf[QP_BUFFER];
	size_t len, column;
};

static int
raw(struct sevenbit *x, size_t from, size_t to)
{
	return to > from ? x->put(x->arg, x->msg + from, to - from) : 0;
}

/* ---- quoted-printable ----------------------------------------------------------------------- */

static int
flush(struct sevenbit *x)
{
	size_t const n = x->len;
	x->len = 0;
	return n ? x->put(x->arg, x->buf, n) : 0;
}

/* One unit that must stand on one line: a character, or "=" and two digits. */
static int
unit(struct sevenbit *x, char const *s, size_t n, int ends_line)
{
	if (x->column + n > QP_LINE - !ends_line) {
		memcpy(x->buf + x->len, "=\n", 2);
		x->len += 2;
		x->column = 0;
	}
	memcpy(x->buf + x->len, s, n);
	x->len += n;
	x->column += n;
	return x->len > QP_BUFFER - 8 ? flush(x) : 0;
}

/* A blank at a line's end would be lost on the way. */
static int
is_literal(unsigned char c, int ends_line)
{
	return (c > ' ' && c < 127 && c != '=') || ((c == ' ' || c == '\t') && !ends_line);
}

static int
encode(struct sevenbit *x, size_t from, size_t to)
{
	static char const digits[] = "0123456789ABCDEF";
	x->len = x->column = 0;
	for (size_t i = from; i < to; i++) {
		unsigned char const c = (unsigned char)x->msg[i];
		int const ends_line = i + 1 == to || x->msg[i + 1] == '\n';
		char const code[] = {'=', digits[c >> 4], digits[c & 15]};
		int r = 0;
		if (c == '\n') {
			x->buf[x->len++] = '\n';
			x->column = 0;
			r = x->len > QP_BUFFER - 8 ? flush(x) : 0;
		} else if (is_literal(c, ends_line))
			r = unit(x, x->msg + i, 1, ends_line);
		else
			r = unit(x, code, 3, ends_line);
		if (r)
			return r;
	}
	return flush(x);
}

/* A multipart's text around its parts. */
static int
plain(struct sevenbit *x, size_t from, size_t to)
{
	for (size_t i = from, end; i < to; i = end) {
		int const high = (unsigned char)x->msg[i] > 127;
		for (end = i + 1; end < to && ((unsigned char)x->msg[end] > 127) == high; end++)
			;
		int const stays = !high || x->what == SEVENBIT_GLOBAL;
		for (size_t k = i; !stays && k < end; k++)
			if (x->put(x->arg, "?", 1))
				return -1;
		if (stays && raw(x, i, end))
			return -1;
	}
	return 0;
}

/* ---- parts ---------------------------------------------------------------------------------- */

/* What the part says of its body's octets: nothing, or that they are as they are. */
static int
is_identity(struct sevenbit *x, struct mime_part const *p)
{
	char const *encoding = mime_encoding(x->arena, p);
	return !encoding || !strcasecmp(encoding, "7bit") || !strcasecmp(encoding, "8bit") ||
	       !strcasecmp(encoding, "binary");
}

/* It may be encoded: of the type message only what bears UTF-8 (RFC 6532 3.7, RFC 6533 4.4). */
static int
is_encodable(struct sevenbit *x, struct mime_part const *p)
{
	struct mime_value v;
	int const typed = p->fields[MIME_CONTENT_TYPE].start &&
			  !mime_content_type(x->arena, &p->fields[MIME_CONTENT_TYPE], &v);
	if (typed && !strcasecmp(v.type, "message"))
		return !strncasecmp(v.subtype, "global", 6);
	return x->what == SEVENBIT_ALL;
}

/* The part's header with `fields` in the place of its Content-Transfer-Encoding, or at its end. */
static int
header(struct sevenbit *x, struct mime_part const *p, char const *fields)
{
	struct header_field const *old = &p->fields[MIME_CONTENT_ENCODING];
	size_t at, behind;
	if (old->start) {
		at = (size_t)(old->start - x->msg);
		behind = at + old->len;
	} else {
		/* The empty line, where there is one, stays behind it. */
		at = p->body;
		if (at > p->header && x->msg[at - 1] == '\n' &&
		    (at - 1 == p->header || x->msg[at - 2] == '\n'))
			at--;
		behind = at;
	}
	if (raw(x, p->header, at) || x->put(x->arg, fields, strlen(fields)))
		return -1;
	return raw(x, behind, p->body);
}

static int
leaf(struct sevenbit *x, struct mime_part const *p)
{
	if (!utf8_has8bit(x->msg + p->body, p->end - p->body) || !is_identity(x, p) ||
	    p->kind != MIME_LEAF || !is_encodable(x, p))
		return raw(x, p->header, p->end);
	char const *fields = ENCODING_QP;
	if (!p->parent && !x->mime)
		fields = p->fields[MIME_CONTENT_TYPE].start ? VERSION ENCODING_QP : UNKNOWN_TEXT;
	return header(x, p, fields) || encode(x, p->body, p->end) ? -1 : 0;
}

static int part(struct sevenbit *x, struct mime_part const *p);

static int
composite(struct sevenbit *x, struct mime_part const *p)
{
	int const says =
	    x->what == SEVENBIT_ALL && p->fields[MIME_CONTENT_ENCODING].start && is_identity(x, p);
	size_t at = p->body;
	if (says ? header(x, p, ENCODING_7BIT) : raw(x, p->header, p->body))
		return -1;
	for (struct mime_part const *c = p->children; c; c = c->next) {
		if (plain(x, at, c->header) || part(x, c))
			return -1;
		at = c->end;
	}
	return plain(x, at, p->end);
}

static int
part(struct sevenbit *x, struct mime_part const *p)
{
	return p->children ? composite(x, p) : leaf(x, p);
}

int
sevenbit(struct arena *a, char const *msg, size_t n, enum sevenbit_what what, sevenbit_put *put,
    void *arg)
{
	struct header_field version;
	struct sevenbit x = {.arena = a, .msg = msg, .put = put, .arg = arg, .what = what};
	x.mime = header_find(msg, n, "MIME-Version", &version);
	return part(&x, mime_parse(a, msg, n));
}

/* A message that came with literal8 or in parts (RFC 3516 4.4): line ends become LF, as all
 * programs that read Maildirs expect, and a part that this would damage, or that holds NUL, which
 * FETCH BODY cannot give, becomes base64. Others stay as they are: signatures hold. */
#include "imap/append.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/base64.h"
#include "lib/charset.h"
#include "lib/mime.h"
#include "lib/sa.h"

#define FIELD "Content-Transfer-Encoding: base64\r\n"
#define LINE 57 /* octets of a line of base64: 76 characters (RFC 2045 6.8) */

struct settle {
	struct append_message out; /* only its delivery and its line ends */
	char const *s;
	size_t at; /* copied so far */
	struct arena arena;
};

static void
copy_to(struct settle *x, size_t to)
{
	while (x->at < to) {
		size_t const n = to - x->at < 16384 ? to - x->at : 16384;
		append_write(&x->out, x->s + x->at, n);
		x->at += n;
	}
}

/* A line end that is LF alone, or a CR alone at the end: it would come back as CR LF. */
static int
has_bare(char const *s, size_t n)
{
	for (char const *p = s, *end = s + n; (p = memchr(p, '\n', (size_t)(end - p))); p++)
		if (p == s || p[-1] != '\r')
			return 1;
	return 0;
}

static int
must_encode(struct settle *x, struct mime_part const *p)
{
	char const *cte = mime_encoding(&x->arena, p), *body = x->s + p->body;
	size_t const n = p->end - p->body;
	if (p->kind != MIME_LEAF || cte_by_name(cte) != CTE_IDENTITY)
		return 0;
	return memchr(body, 0, n) || (cte && !strcasecmp(cte, "binary") && has_bare(body, n));
}

static void
encode(struct settle *x, struct mime_part const *p)
{
	struct header_field const *f = &p->fields[MIME_CONTENT_ENCODING];
	stralloc line = STRALLOC_ZERO;
	copy_to(x, f->start ? (size_t)(f->start - x->s) : p->header);
	append_write(&x->out, FIELD, sizeof FIELD - 1);
	if (f->start)
		x->at += f->len;
	copy_to(x, p->body);
	for (; x->at < p->end; x->at += LINE) {
		size_t const left = p->end - x->at;
		line.len = 0;
		base64_encode(&line, x->s + x->at, left < LINE ? left : LINE);
		/* The line end behind the last belongs to the boundary. */
		if (left > LINE || !p->parent)
			sa_cats(&line, "\r\n");
		append_write(&x->out, line.s, line.len);
	}
	x->at = p->end;
	stralloc_free(&line);
}

/* Part by part, in the order in which they stand. */
static void
walk(struct settle *x, struct mime_part const *p)
{
	for (; p; p = p->next) {
		if (must_encode(x, p))
			encode(x, p);
		walk(x, p->children);
	}
}

static int
convert(struct append_message *m, struct settle *x)
{
	size_t const n = (size_t)m->d.disk;
	char *s = mmap(0, n, PROT_READ, MAP_PRIVATE, m->d.fd, 0);
	if (s == MAP_FAILED)
		return -1;
	x->s = s;
	x->out.at = IN_BODY;
	if (m->binary)
		walk(x, mime_parse(&x->arena, s, n));
	copy_to(x, n);
	if (x->out.cr)
		delivery_write(&x->out.d, "\r", 1);
	munmap(s, n);
	return 0;
}

int
append_settle(struct append_message *m, char const *dir)
{
	struct settle x = {.arena = ARENA_ZERO};
	if (m->d.error) {
		errno = m->d.error;
		return -1;
	}
	if (delivery_begin_beside(&x.out.d, dir, &m->d) < 0)
		return -1;
	int r = convert(m, &x);
	arena_free(&x.arena);
	if (!r)
		delivery_replace(&m->d, &x.out.d);
	else
		delivery_abort(&x.out.d);
	return r;
}

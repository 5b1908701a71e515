#include "sieve/message.h"

#include <string.h>

#include "lib/ascii.h"
#include "lib/fnv.h"
#include "lib/sa.h"
#include "lib/utf8.h"
#include "sieve/part.h"
#include "sieve/values.h"

static unsigned int
bucket(char const *name, size_t n)
{
	return fnv32_folded(FNV32_BEGIN, name, n) % FIELD_BUCKETS;
}

/* Rows are in the order of the header: tail[] is where the next of each goes. */
struct index {
	struct header *h;
	struct field **tail[FIELD_BUCKETS];
	unsigned int count;
};

static void
index_start(struct index *x, struct header *h)
{
	*h = (struct header){{0}};
	x->h = h;
	x->count = 0;
	for (unsigned int i = 0; i < FIELD_BUCKETS; i++)
		x->tail[i] = h->bucket + i;
}

static void
index_add(struct index *x, struct arena *a, struct header_field const *f)
{
	unsigned int const i = x->count++;
	/* A line that is no field is one for no test. */
	if (!value_header(f->name, f->name_len))
		return;
	struct field *const to = arena_zalloc(a, sizeof *to);
	unsigned int const row = bucket(f->name, f->name_len);
	to->f = *f;
	to->index = i;
	*x->tail[row] = to;
	x->tail[row] = &to->next;
}

void
header_index(struct header *h, struct arena *a, char const *s, size_t n)
{
	struct index x;
	struct header_cursor c;
	struct header_field f;
	index_start(&x, h);
	header_start(&c, s, n);
	while (x.count < SIEVE_FIELDS_MAX && header_next(&c, &f))
		index_add(&x, a, &f);
}

static struct field *
same_name(struct field *f, char const *name, size_t n)
{
	for (; f; f = f->next)
		if (f->f.name_len == n && !strncasecmp(f->f.name, name, n))
			return f;
	return 0;
}

struct field *
header_first(struct header const *h, char const *name, size_t n)
{
	return same_name(h->bucket[bucket(name, n)], name, n);
}

struct field *
header_after(struct field const *f, char const *name, size_t n)
{
	return same_name(f->next, name, n);
}

void
message_start(
    struct message *m, struct arena *a, char const *s, size_t n, charset_open_fn *charsets)
{
	*m = (struct message){.a = a, .charsets = charsets, .s = s, .n = n};
	m->body = header_len(s, n);
	header_index(&m->header, a, s, n);
}

void
message_replace(struct message *m, char const *s, size_t n)
{
	message_start(m, m->a, s, n, m->charsets);
	m->edited = 1;
}

/* ---- values -----------------------------------------------------------------------------------
 */

/* On one line: line ends go, the blank behind each is one blank; NUL becomes U+FFFD. */
static void
unfold(stralloc *out, char const *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '\n' || (s[i] == '\r' && i + 1 < n && s[i + 1] == '\n')) {
			if (s[i] == '\r')
				i++;
			if (i + 1 < n && s[i + 1] == '\t') {
				sa_append(out, ' ');
				i++;
			}
		} else if (!s[i]) {
			sa_catb(out, "\xef\xbf\xbd", 3);
		} else {
			sa_append(out, s[i]);
		}
	}
}

static struct text
keep(struct message *m, stralloc *out)
{
	char const *s = out->s ? out->s : "";
	size_t n = out->len;
	ascii_trim(&s, &n);
	struct text const t = {arena_strndup(m->a, s, n), n};
	stralloc_free(out);
	return t;
}

struct text
field_raw(struct message *m, struct field *f)
{
	char const *s = f->f.body;
	size_t n = f->f.body_len;
	stralloc out = STRALLOC_ZERO;
	ascii_trim(&s, &n);
	if (!n)
		return (struct text){"", 0};
	if (!memchr(s, '\n', n) && !memchr(s, 0, n))
		return (struct text){s, n};
	unfold(&out, s, n);
	return keep(m, &out);
}

struct text
field_value(struct message *m, struct field *f)
{
	if (f->text.s)
		return f->text;
	struct text const raw = field_raw(m, f);
	f->text = raw;
	if (memmem(raw.s, raw.n, "=?", 2) || utf8_has8bit(raw.s, raw.n)) {
		stralloc out = STRALLOC_ZERO;
		charset_decode_words(&out, raw.s, raw.n, m->charsets);
		for (size_t i = 0; i < out.len; i++)
			if (!out.s[i])
				out.s[i] = ' ';
		f->text = keep(m, &out);
	}
	return f->text;
}

struct address *
field_addresses(struct message *m, struct field *f)
{
	if (!f->addressed) {
		f->addresses = address_parse(m->a, f->f.body, f->f.body_len);
		f->addressed = 1;
	}
	return f->addresses;
}

/* ---- edits
 * --------------------------------------------------------------------------------------- */

static struct sieve_edit *
edit(struct message *m)
{
	if (!m->editing)
		sieve_edit_begin(&m->edit, m->a, m->s, m->n);
	m->editing = 1;
	return &m->edit;
}

/* The fields are others now, the parts are to be looked for again. */
static void
changed(struct message *m)
{
	struct index x;
	index_start(&x, &m->header);
	for (unsigned int i = 0; i < m->edit.count; i++)
		index_add(&x, m->a, m->edit.field + i);
	m->edited = 1;
	m->edition = 0;
	m->root = 0;
}

void
message_add(struct message *m, char const *name, char const *value, int last)
{
	if (sieve_edit_add(edit(m), name, value, last) == 1)
		changed(m);
}

void
message_delete(struct message *m, struct field const *f)
{
	if (sieve_edit_delete(edit(m), f->index))
		changed(m);
}

struct sieve_edition const *
message_edition(struct message *m)
{
	if (m->edited && !m->edition && m->editing)
		m->edition = sieve_edit_result(&m->edit);
	if (m->edited && !m->edition) {
		/* replace or enclose made it whole. */
		struct sieve_edition *const e = arena_alloc(m->a, sizeof *e);
		struct sieve_piece *const p = arena_alloc(m->a, sizeof *p);
		*p = (struct sieve_piece){m->s, m->n};
		*e = (struct sieve_edition){1, p};
		m->edition = e;
	}
	return m->edition;
}

/* The message in one piece, for what can only look at that. */
static void
join(struct message *m)
{
	struct sieve_edition const *const e = message_edition(m);
	size_t n = 0, k = 0;
	for (unsigned int i = 0; e && i < e->count; i++)
		n += e->pieces[i].n;
	if (!e)
		return;
	char *const s = arena_alloc(m->a, n + 1);
	for (unsigned int i = 0; i < e->count; k += e->pieces[i++].n)
		memcpy(s + k, e->pieces[i].s, e->pieces[i].n);
	message_replace(m, s, n);
	m->edition = e;
}

struct mime_part *
message_parts(struct message *m)
{
	if (!m->root) {
		if (m->editing)
			join(m);
		m->root = mime_parse(m->a, m->s, m->n);
	}
	return m->root;
}

/* ---- parts
 * --------------------------------------------------------------------------------------- */

static struct part_data *
part_data(struct message *m, struct mime_part const *p)
{
	struct part_data **const row = m->parts + p->header % PART_BUCKETS;
	for (struct part_data *x = *row; x; x = x->next)
		if (x->part == p)
			return x;
	struct part_data *const x = arena_zalloc(m->a, sizeof *x);
	x->part = p;
	x->next = *row;
	return *row = x;
}

struct header *
message_part_header(struct message *m, struct mime_part const *p)
{
	struct part_data *const x = part_data(m, p);
	if (!x->header) {
		x->header = arena_alloc(m->a, sizeof *x->header);
		header_index(x->header, m->a, m->s + p->header, p->body - p->header);
	}
	return x->header;
}

struct text
message_part_text(struct message *m, struct mime_part const *p, int text)
{
	struct text *const t = part_data(m, p)->text + !!text;
	if (!t->s) {
		stralloc out = STRALLOC_ZERO;
		sieve_part_text(&out, m->a, m->s, p, text, m->charsets, SIEVE_BODY_MAX);
		*t = (struct text){arena_strndup(m->a, out.s ? out.s : "", out.len), out.len};
		stralloc_free(&out);
	}
	return *t;
}

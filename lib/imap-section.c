/* Sections of FETCH BODY[...] (RFC 3501 6.4.5 and section 9). */
#include "lib/imap-text.h"

#include <string.h>

#include "lib/ascii.h"
#include "lib/sa.h"
#include "lib/wire.h"

struct text {
	char const *p, *end;
};

static int
take(struct text *t, char const *word)
{
	size_t const n = strlen(word);
	if ((size_t)(t->end - t->p) < n || !ascii_ieq(t->p, n, word))
		return 0;
	t->p += n;
	return 1;
}

/* nz-number */
static int
take_number(struct text *t, uint32_t *value)
{
	uint64_t v = 0;
	if (t->p == t->end || *t->p == '0')
		return 0;
	for (; t->p < t->end && ascii_isdigit(*t->p); t->p++)
		if ((v = v * 10 + (uint64_t)(*t->p - '0')) > UINT32_MAX)
			return 0;
	*value = (uint32_t)v;
	return v != 0;
}

/* section-part and the dot behind it. 0 or -1. */
static int
parse_path(struct imap_section *sec, struct text *t)
{
	while (t->p < t->end && ascii_isdigit(*t->p)) {
		if (sec->depth == MIME_DEPTH_MAX || !take_number(t, &sec->path[sec->depth]))
			return -1;
		sec->depth++;
		if (t->p == t->end)
			return 0;
		if (!take(t, ".") || t->p == t->end)
			return -1;
	}
	return 0;
}

/* A field name: an atom or a quoted string. */
static char const *
take_name(struct arena *a, struct text *t)
{
	char const *from = t->p;
	if (!take(t, "\"")) {
		while (t->p<t->end && * t->p> ' ' && *t->p < 127 && !strchr("(){%*\"\\]", *t->p))
			t->p++;
		return t->p > from ? arena_strndup(a, from, (size_t)(t->p - from)) : 0;
	}
	for (from = t->p; t->p < t->end && *t->p != '"'; t->p++)
		if (*t->p == '\\' && t->end - t->p > 1)
			t->p++;
	char *name = arena_strndup(a, from, (size_t)(t->p - from)), *o = name;
	for (char const *p = name; *p; p++) {
		p += *p == '\\' && p[1];
		*o++ = *p;
	}
	*o = 0;
	return take(t, "\"") && *name ? name : 0;
}

/* " (name name)" */
static int
parse_names(struct imap_section *sec, struct arena *a, struct text *t)
{
	char const *names[SECTION_FIELDS_MAX];
	if (!take(t, " ("))
		return -1;
	do {
		if (sec->count == SECTION_FIELDS_MAX || !(names[sec->count++] = take_name(a, t)))
			return -1;
	} while (take(t, " "));
	sec->names = arena_alloc(a, sec->count * sizeof *names);
	memcpy(sec->names, names, sec->count * sizeof *names);
	return take(t, ")") ? 0 : -1;
}

int
imap_section_parse(struct imap_section *sec, struct arena *a, char const *s, size_t n)
{
	/* The longer names first. */
	static struct {
		char name[20];
		enum imap_section_kind kind;
		int names;
	} const kinds[] = {{"HEADER.FIELDS.NOT", SECTION_HEADER_FIELDS_NOT, 1},
	    {"HEADER.FIELDS", SECTION_HEADER_FIELDS, 1}, {"HEADER", SECTION_HEADER, 0},
	    {"TEXT", SECTION_TEXT, 0}, {"MIME", SECTION_MIME, 0}};
	struct text t = {s, s + n};
	*sec = (struct imap_section){.kind = SECTION_WHOLE};
	if (parse_path(sec, &t))
		return -1;
	if (t.p == t.end)
		return 0;
	for (unsigned int i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		if (!take(&t, kinds[i].name))
			continue;
		sec->kind = kinds[i].kind;
		/* section-msgtext has no MIME: it needs a part. */
		if (sec->kind == SECTION_MIME && !sec->depth)
			return -1;
		if (kinds[i].names && parse_names(sec, a, &t))
			return -1;
		return t.p == t.end ? 0 : -1;
	}
	return -1;
}

struct mime_part const *
imap_part(struct mime_part const *root, uint32_t const *path, unsigned int depth)
{
	struct mime_part const *p = root;
	int numbered = 0; /* the last number was for p itself */
	for (unsigned int i = 0; i < depth; i++) {
		/* Numbers below a message/rfc822 are those of the message in it. */
		if (i && p->kind == MIME_MESSAGE && p->children) {
			p = p->children;
			numbered = 0;
		}
		if (p->kind != MIME_MULTIPART) {
			/* RFC 3501 6.4.5: a message that is no multipart has one part, 1. */
			if (path[i] != 1 || numbered)
				return 0;
			numbered = 1;
			continue;
		}
		struct mime_part const *child = p->children;
		for (uint32_t k = 1; child && k < path[i]; k++)
			child = child->next;
		if (!child)
			return 0;
		p = child;
	}
	return p;
}

static int
named(struct imap_section const *sec, struct header_field const *f)
{
	for (unsigned int i = 0; i < sec->count; i++)
		if (header_is(f, sec->names[i]))
			return 1;
	return 0;
}

static int
ends_with_empty_line(char const *s, size_t n)
{
	if (!n || s[n - 1] != '\n')
		return 0;
	n -= n > 1 && s[n - 2] == '\r' ? 2 : 1;
	return !n || s[n - 1] == '\n';
}

/* RFC 3501 6.4.5: the chosen fields in their order, and the empty line if there is one. Those
 * chosen from the whole message always get their line end and an empty line, so that a cache can
 * answer. */
static void
put_fields(stralloc *out, struct imap_section const *sec, char const *s, size_t n)
{
	struct header_cursor c;
	struct header_field f;
	int const want = sec->kind == SECTION_HEADER_FIELDS;
	int const ended = want && !sec->depth;
	header_start(&c, s, n);
	while (header_next(&c, &f)) {
		if (named(sec, &f) != want)
			continue;
		wire_put_imap(out, f.start, f.len);
		if (ended && f.start[f.len - 1] != '\n')
			sa_cats(out, "\r\n");
	}
	if (ended || ends_with_empty_line(s, n))
		sa_cats(out, "\r\n");
}

int
imap_section_find(struct imap_section const *sec, char const *msg, struct mime_part const *root,
    size_t *from, size_t *to, stralloc *out)
{
	struct mime_part const *p = imap_part(root, sec->path, sec->depth);
	if (!p)
		return 0;
	if (sec->kind == SECTION_WHOLE || sec->kind == SECTION_MIME) {
		int const mime = sec->kind == SECTION_MIME;
		*from = mime || !sec->depth ? p->header : p->body;
		*to = mime ? p->body : p->end;
		return 1;
	}
	/* HEADER and TEXT of a part are those of the message that it holds. */
	if (sec->depth) {
		if (p->kind != MIME_MESSAGE || !p->children)
			return 0;
		p = p->children;
	}
	if (sec->kind == SECTION_HEADER_FIELDS || sec->kind == SECTION_HEADER_FIELDS_NOT) {
		put_fields(out, sec, msg + p->header, p->body - p->header);
		return 2;
	}
	*from = sec->kind == SECTION_TEXT ? p->body : p->header;
	*to = sec->kind == SECTION_TEXT ? p->end : p->body;
	return 1;
}

/* The arguments of FETCH (RFC 3501 6.4.5 and section 9, fetch-att). */
#include "imap/fetch.h"

#include <string.h>

#include "imap/limits.h"
#include "lib/ascii.h"
#include "lib/sa.h"

struct item_name {
	char const *name;
	enum fetch_kind kind;
	enum need need;
	int seen;
	enum message_text text;
	char const *section; /* of a section item without brackets */
};
/* Longer names before those that they begin with. */
static struct item_name const names[] = {
    {"UID", FETCH_UID, NEED_NOTHING, 0, TEXT_KINDS, 0},
    {"FLAGS", FETCH_FLAGS, NEED_NOTHING, 0, TEXT_KINDS, 0},
    {"INTERNALDATE", FETCH_INTERNALDATE, NEED_NOTHING, 0, TEXT_KINDS, 0},
    {"MODSEQ", FETCH_MODSEQ, NEED_NOTHING, 0, TEXT_KINDS, 0}, /* RFC 7162 3.1.4.2 */
    {"RFC822.SIZE", FETCH_SIZE, NEED_NOTHING, 0, TEXT_KINDS, 0},
    {"RFC822.HEADER", FETCH_SECTION, NEED_HEADER, 0, TEXT_KINDS, "HEADER"},
    {"RFC822.TEXT", FETCH_SECTION, NEED_WHOLE, 1, TEXT_KINDS, "TEXT"},
    {"RFC822", FETCH_SECTION, NEED_WHOLE, 1, TEXT_KINDS, ""},
    {"ENVELOPE", FETCH_TEXT, NEED_HEADER, 0, TEXT_ENVELOPE, 0},
    {"BODYSTRUCTURE", FETCH_TEXT, NEED_WHOLE, 0, TEXT_BODYSTRUCTURE, 0},
    {"BODY", FETCH_TEXT, NEED_WHOLE, 0, TEXT_BODY, 0},
    {"PREVIEW", FETCH_PREVIEW, NEED_WHOLE, 0, TEXT_PREVIEW, 0},
    {"SAVEDATE", FETCH_SAVEDATE, NEED_NOTHING, 0, TEXT_KINDS, 0},
    {"EMAILID", FETCH_EMAILID, NEED_NOTHING, 0, TEXT_KINDS, 0},
    {"THREADID", FETCH_THREADID, NEED_HEADER, 0, TEXT_THREAD, 0},
};
static struct {
	char const *name, *items;
} const macros[] = {
    {"ALL", "FLAGS INTERNALDATE RFC822.SIZE ENVELOPE"},
    {"FAST", "FLAGS INTERNALDATE RFC822.SIZE"},
    {"FULL", "FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY"},
};

static struct fetch_item *
add(struct parse *p, struct fetch *f)
{
	if (f->count == f->room) {
		struct fetch_item *more = arena_alloc(p->arena, 2 * f->room * sizeof *more);
		memcpy(more, f->item, f->count * sizeof *more);
		f->item = more;
		f->room *= 2;
	}
	return memset(&f->item[f->count++], 0, sizeof *f->item);
}

static void
add_named(struct parse *p, struct fetch *f, struct item_name const *n)
{
	if (n->kind == FETCH_UID && f->count && f->item[0].kind == FETCH_UID)
		return; /* once is enough: UID FETCH has put it first */
	struct fetch_item *it = add(p, f);
	it->kind = n->kind;
	it->need = n->need;
	it->seen = n->seen;
	it->label = n->name;
	it->label_len = strlen(n->name);
	it->text = n->text;
	if (n->section)
		imap_section_parse(&it->section, p->arena, n->section, strlen(n->section));
}

/* Fields of the message's own header that are kept of every message, and nothing else. */
static int
is_common(struct imap_section const *sec)
{
	unsigned int i = 0;
	if (sec->kind != SECTION_HEADER_FIELDS || sec->depth)
		return 0;
	while (i < sec->count && message_text_common(sec->names[i], strlen(sec->names[i])))
		i++;
	return i == sec->count;
}

/* The text between the brackets, in upper case, strings as strings. */
static int
section_text(struct parse *p, stralloc *sa)
{
	struct text t;
	while (parse_peek(p) && parse_peek(p) != ']') {
		char c = parse_peek(p);
		if (c == '"' || c == '{') {
			if (!parse_string(p, &t))
				return 0;
			sa_append(sa, '"');
			for (size_t i = 0; i < t.len; i++) {
				if (t.s[i] == '"' || t.s[i] == '\\')
					sa_append(sa, '\\');
				sa_append(sa, ascii_toupper(t.s[i]));
			}
			sa_append(sa, '"');
		} else {
			sa_append(sa, ascii_toupper(c));
			parse_take(p, c);
		}
	}
	return parse_char(p, ']');
}

/* "<from.count>" behind a section. */
static int
partial_parse(struct parse *p, struct fetch_item *it)
{
	if (!parse_take(p, '<'))
		return 1;
	it->partial = 1;
	/* RFC 9051 section 9, partial: numbers of 63 bits. */
	if (!parse_number64(p, &it->from) || !parse_char(p, '.') || !parse_number64(p, &it->count))
		return 0;
	if (!it->count)
		return parse_fail(p, "Number must not be zero");
	return parse_char(p, '>');
}

/* NAME[...] or NAME.PEEK[...], behind the bracket; label is NAME[ as the response has it. */
static int
section_parse(struct parse *p, struct fetch *f, enum fetch_kind kind, char const *label, int seen)
{
	struct fetch_item *it = add(p, f);
	stralloc sa = STRALLOC_ZERO;
	size_t const n = strlen(label);
	it->kind = kind;
	it->seen = seen;
	sa_cats(&sa, label);
	if (!section_text(p, &sa) || (kind != FETCH_BINARY_SIZE && !partial_parse(p, it))) {
		stralloc_free(&sa);
		return 0;
	}
	int r = imap_section_parse(&it->section, p->arena, sa.s + n, sa.len - n);
	/* RFC 3516 section 7: section-binary has part numbers only. */
	if (kind != FETCH_SECTION && it->section.kind != SECTION_WHOLE)
		r = -1;
	sa_append(&sa, ']');
	if (it->partial)
		sa_catf(&sa, "<%llu>", (unsigned long long)it->from);
	it->label = arena_strndup(p->arena, sa.s, sa.len);
	it->label_len = sa.len;
	stralloc_free(&sa);
	it->need = section_need(&it->section);
	it->text = kind == FETCH_SECTION && is_common(&it->section) ? TEXT_HEADERS : TEXT_KINDS;
	return r < 0 ? parse_fail(p, "Invalid section") : 1;
}

/* Items with brackets. */
static struct {
	char const *name, *label;
	enum fetch_kind kind;
	int seen;
} const sections[] = {
    {"BODY.PEEK", "BODY[", FETCH_SECTION, 0},
    {"BODY", "BODY[", FETCH_SECTION, 1},
    {"BINARY.PEEK", "BINARY[", FETCH_BINARY, 0},
    {"BINARY.SIZE", "BINARY.SIZE[", FETCH_BINARY_SIZE, 0},
    {"BINARY", "BINARY[", FETCH_BINARY, 1},
};

/* RFC 8970 section 6: [SP "(" preview-mod *(SP preview-mod) ")"], behind PREVIEW. */
static int
modifiers_parse(struct parse *p, struct fetch_item *it)
{
	if (p->len - p->pos < 2 || memcmp(p->line + p->pos, " (", 2) != 0)
		return 1;
	p->pos += 2;
	do {
		if (!parse_take_word(p, "LAZY"))
			return parse_fail(p, "Unknown modifier");
		it->lazy = 1;
		it->need = NEED_NOTHING;
	} while (parse_take(p, ' '));
	return parse_char(p, ')');
}

static int
item_parse(struct parse *p, struct fetch *f)
{
	size_t const at = p->pos;
	if (f->count >= LIMIT_ARGUMENTS)
		return parse_fail(p, "Too many items");
	for (size_t k = 0; k < sizeof sections / sizeof *sections; k++) {
		if (parse_take_word(p, sections[k].name) && parse_take(p, '['))
			return section_parse(
			    p, f, sections[k].kind, sections[k].label, sections[k].seen);
		p->pos = at;
	}
	for (size_t k = 0; k < sizeof names / sizeof *names; k++)
		if (parse_take_word(p, names[k].name)) {
			add_named(p, f, &names[k]);
			return names[k].kind != FETCH_PREVIEW ||
			       modifiers_parse(p, &f->item[f->count - 1]);
		}
	return parse_fail(p, "Unknown item");
}

static void
add_by_name(struct parse *p, struct fetch *f, char const *name, size_t len)
{
	for (size_t k = 0; k < sizeof names / sizeof *names; k++)
		if (ascii_ieq(name, len, names[k].name))
			add_named(p, f, &names[k]);
}

void
fetch_add(struct parse *p, struct fetch *f, char const *name)
{
	for (size_t k = 0; k < f->count; k++)
		if (!strcmp(f->item[k].label, name))
			return;
	add_by_name(p, f, name, strlen(name));
}

static int
macro_parse(struct parse *p, struct fetch *f)
{
	for (size_t k = 0; k < sizeof macros / sizeof *macros; k++)
		if (parse_take_word(p, macros[k].name)) {
			char const *s = macros[k].items;
			for (size_t n; *s; s += n + (s[n] == ' ')) {
				n = strcspn(s, " ");
				add_by_name(p, f, s, n);
			}
			return 1;
		}
	return 0;
}

static int
items_parse(struct parse *p, struct fetch *f)
{
	if (macro_parse(p, f))
		return 1;
	if (!parse_take(p, '('))
		return item_parse(p, f);
	do
		if (!item_parse(p, f))
			return 0;
	while (parse_take(p, ' '));
	return parse_char(p, ')');
}

int
fetch_parse(struct parse *p, struct fetch *f, int uid)
{
	*f = (struct fetch){.room = 8};
	f->item = arena_alloc(p->arena, f->room * sizeof *f->item);
	if (uid && !p->uidonly)
		add_by_name(p, f, "UID", 3); /* RFC 3501 6.4.8 */
	if (!items_parse(p, f))
		return 0;
	for (size_t k = 0; k < f->count; k++) {
		struct fetch_item const *it = &f->item[k];
		f->need = it->need > f->need ? it->need : f->need;
		f->seen |= it->seen;
		f->flags |= it->kind == FETCH_FLAGS;
		f->modseq |= it->kind == FETCH_MODSEQ;
	}
	return 1;
}

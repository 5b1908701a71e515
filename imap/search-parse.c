/* The keys of SEARCH (RFC 3501 6.4.4 and section 9, search-key). */
#include "imap/search.h"

#include <string.h>

#include "imap/limits.h"
#include "imap/messages.h"
#include "lib/ascii.h"
#include "lib/charset.h"
#include "lib/date.h"
#include "lib/sa.h"
#include "maildir/name.h"

enum argument { NOTHING, SET, KEYWORD, UNKEYWORD, DATE, NUMBER, STRING, FIELD, KEY, TWO_KEYS };

/* clang-format off */
static struct row {
	char const *name;
	enum search_kind kind;
	enum argument argument;
	unsigned int mask, want;
	char const *field;
} const table[] = {
	{"ALL",        SEARCH_ALL,        NOTHING,   0, 0, 0},
	{"ANSWERED",   SEARCH_FLAGS,      NOTHING,   FLAG_ANSWERED, FLAG_ANSWERED, 0},
	{"BCC",        SEARCH_HEADER,     STRING,    0, 0, "Bcc"},
	{"BEFORE",     SEARCH_BEFORE,     DATE,      0, 0, 0},
	{"BODY",       SEARCH_BODY,       STRING,    0, 0, 0},
	{"CC",         SEARCH_HEADER,     STRING,    0, 0, "Cc"},
	{"DELETED",    SEARCH_FLAGS,      NOTHING,   FLAG_DELETED, FLAG_DELETED, 0},
	{"DRAFT",      SEARCH_FLAGS,      NOTHING,   FLAG_DRAFT, FLAG_DRAFT, 0},
	{"FLAGGED",    SEARCH_FLAGS,      NOTHING,   FLAG_FLAGGED, FLAG_FLAGGED, 0},
	{"FROM",       SEARCH_HEADER,     STRING,    0, 0, "From"},
	{"HEADER",     SEARCH_HEADER,     FIELD,     0, 0, 0},
	{"KEYWORD",    SEARCH_KEYWORD,    KEYWORD,   0, 0, 0},
	{"LARGER",     SEARCH_LARGER,     NUMBER,    0, 0, 0},
	{"NEW",        SEARCH_FLAGS,      NOTHING,   FLAG_RECENT | FLAG_SEEN, FLAG_RECENT, 0},
	{"NOT",        SEARCH_NOT,        KEY,       0, 0, 0},
	{"OLD",        SEARCH_FLAGS,      NOTHING,   FLAG_RECENT, 0, 0},
	{"ON",         SEARCH_ON,         DATE,      0, 0, 0},
	{"OR",         SEARCH_OR,         TWO_KEYS,  0, 0, 0},
	{"RECENT",     SEARCH_FLAGS,      NOTHING,   FLAG_RECENT, FLAG_RECENT, 0},
	{"SEEN",       SEARCH_FLAGS,      NOTHING,   FLAG_SEEN, FLAG_SEEN, 0},
	{"SENTBEFORE", SEARCH_SENTBEFORE, DATE,      0, 0, 0},
	{"SENTON",     SEARCH_SENTON,     DATE,      0, 0, 0},
	{"SENTSINCE",  SEARCH_SENTSINCE,  DATE,      0, 0, 0},
	{"SINCE",      SEARCH_SINCE,      DATE,      0, 0, 0},
	{"SMALLER",    SEARCH_SMALLER,    NUMBER,    0, 0, 0},
	{"SUBJECT",    SEARCH_HEADER,     STRING,    0, 0, "Subject"},
	{"TEXT",       SEARCH_TEXT,       STRING,    0, 0, 0},
	{"TO",         SEARCH_HEADER,     STRING,    0, 0, "To"},
	{"UID",        SEARCH_SET,        SET,       0, 0, 0},
	{"UNANSWERED", SEARCH_FLAGS,      NOTHING,   FLAG_ANSWERED, 0, 0},
	{"UNDELETED",  SEARCH_FLAGS,      NOTHING,   FLAG_DELETED, 0, 0},
	{"UNDRAFT",    SEARCH_FLAGS,      NOTHING,   FLAG_DRAFT, 0, 0},
	{"UNFLAGGED",  SEARCH_FLAGS,      NOTHING,   FLAG_FLAGGED, 0, 0},
	{"UNKEYWORD",  SEARCH_NOT,        UNKEYWORD, 0, 0, 0},
	{"UNSEEN",     SEARCH_FLAGS,      NOTHING,   FLAG_SEEN, 0, 0},
};
/* clang-format on */

struct reader {
	struct session *s;
	struct parse *p;
	struct search *q;
	unsigned int depth;
};

static struct search_key *read_key(struct reader *r);

static struct search_key *
new_key(struct reader *r, enum search_kind kind)
{
	if (++r->q->keys > LIMIT_ARGUMENTS) {
		parse_fail(r->p, "Too many search keys");
		return 0;
	}
	struct search_key *k = arena_zalloc(r->p->arena, sizeof *k);
	k->kind = kind;
	return k;
}

/* A keyword, which may be the one that has a flag letter. */
static struct search_key *
read_keyword(struct reader *r)
{
	struct text t;
	struct search_key *k = new_key(r, SEARCH_KEYWORD);
	if (!k || !parse_sp(r->p) || !parse_atom(r->p, &t))
		return 0;
	if (ascii_ieq(t.s, t.len, "$Forwarded")) {
		k->kind = SEARCH_FLAGS;
		k->mask = k->want = FLAG_PASSED;
	}
	k->keyword = folder_keyword(r->s->folder, t.s, t.len, 0);
	return k;
}

/* A string in UTF-8, and a matcher for it. */
static int
read_text(struct reader *r, struct search_key *k)
{
	struct search *q = r->q;
	stralloc sa = STRALLOC_ZERO;
	if (!parse_sp(r->p) || !parse_astring(r->p, &k->text))
		return 0;
	if (q->charset.s && !q->badcharset) {
		if (charset_to_utf8(&sa, q->charset.s, q->charset.len, k->text.s, k->text.len,
			charset_iconv) < 0)
			q->badcharset = 1;
		k->text.s = arena_strndup(r->p->arena, sa.s, sa.len);
		k->text.len = sa.len;
		stralloc_free(&sa);
	}
	if (matcher_init(&k->matcher, k->text.s, k->text.len) < 0)
		return parse_fail(r->p, "Search string too long");
	if (!(q->text_count & (q->text_count - 1))) {
		/* A power of two: the room doubles. */
		size_t room = q->text_count ? 2 * q->text_count : 1;
		struct search_key **more = arena_alloc(r->p->arena, room * sizeof *more);
		if (q->text_count)
			memcpy(more, q->texts, q->text_count * sizeof *more);
		q->texts = more;
	}
	q->texts[q->text_count++] = k;
	return 1;
}

static int
read_date(struct reader *r, struct search_key *k)
{
	struct text t;
	int64_t when;
	if (!parse_sp(r->p) || !parse_astring(r->p, &t))
		return 0;
	if (date_search_parse(t.s, t.len, &when) < 0)
		return parse_fail(r->p, "Invalid date");
	k->day = when / 86400 - (when % 86400 < 0);
	return 1;
}

static int
read_field(struct reader *r, struct search_key *k)
{
	struct text t;
	if (!parse_sp(r->p) || !parse_astring(r->p, &t))
		return 0;
	k->name = t.s;
	return read_text(r, k);
}

static int
read_children(struct reader *r, struct search_key *k, int count)
{
	struct search_key **end = &k->child;
	for (; count--; end = &(*end)->next)
		if (!parse_sp(r->p) || !(*end = read_key(r)))
			return 0;
	return 1;
}

static int
read_argument(struct reader *r, struct row const *row, struct search_key *k)
{
	switch (row->argument) {
	case NOTHING:
		return 1;
	case SET:
		if (!parse_sp(r->p) || !parse_set(r->p, &k->set))
			return 0;
		messages_resolve(r->s, &k->set, 1);
		return 1;
	case UNKEYWORD:
		return (k->child = read_keyword(r)) != 0;
	case DATE:
		return read_date(r, k);
	case NUMBER:
		return parse_sp(r->p) && parse_number(r->p, &k->number);
	case STRING:
		return read_text(r, k);
	case FIELD:
		return read_field(r, k);
	case KEY:
		return read_children(r, k, 1);
	case TWO_KEYS:
		return read_children(r, k, 2);
	default:
		return 0;
	}
}

/* A key of a header field that the folder keeps. */
static int
is_common(struct search_key const *k)
{
	switch (k->kind) {
	case SEARCH_HEADER:
		return message_text_common(k->name, strlen(k->name));
	case SEARCH_SENTBEFORE:
	case SEARCH_SENTON:
	case SEARCH_SENTSINCE:
		return message_text_common("Date", 4);
	default:
		return 0;
	}
}

static struct search_key *
read_named(struct reader *r)
{
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct row const *row = &table[i];
		if (!parse_take_word(r->p, row->name))
			continue;
		if (row->argument == KEYWORD)
			return read_keyword(r);
		struct search_key *k = new_key(r, row->kind);
		if (!k)
			return 0;
		k->mask = row->mask;
		k->want = row->want;
		k->name = row->field;
		if (!read_argument(r, row, k))
			return 0;
		k->common = is_common(k);
		return k;
	}
	parse_fail(r->p, "Unknown search key");
	return 0;
}

/* Keys up to `end` (or the line's end): all must match. */
static struct search_key *
read_list(struct reader *r)
{
	struct search_key *all = new_key(r, SEARCH_AND);
	if (!all)
		return 0;
	struct search_key **end = &all->child;
	do {
		if (!(*end = read_key(r)))
			return 0;
		end = &(*end)->next;
	} while (parse_take(r->p, ' '));
	return all;
}

/* A bare sequence-set: sequence numbers, whatever the form of the command. */
static struct search_key *
read_set(struct reader *r)
{
	struct search_key *k = new_key(r, SEARCH_SET);
	if (!k || !parse_set(r->p, &k->set))
		return 0;
	messages_resolve(r->s, &k->set, 0);
	return k;
}

static struct search_key *
read_key(struct reader *r)
{
	struct search_key *k;
	char c = parse_peek(r->p);
	if (r->depth == LIMIT_NESTING) {
		parse_fail(r->p, "Search keys nested too deeply");
		return 0;
	}
	r->depth++;
	if (ascii_isdigit(c) || c == '*')
		k = read_set(r);
	else if (parse_take(r->p, '(')) {
		k = read_list(r);
		if (k && !parse_char(r->p, ')'))
			k = 0;
	} else
		k = read_named(r);
	r->depth--;
	return k;
}

int
search_parse(struct session *s, struct parse *p, struct search *q)
{
	struct reader r = {s, p, q, 0};
	*q = (struct search){0};
	if (parse_take_word(p, "CHARSET")) {
		stralloc none = STRALLOC_ZERO;
		if (!parse_sp(p) || !parse_astring(p, &q->charset) || !parse_sp(p))
			return 0;
		q->badcharset =
		    charset_to_utf8(&none, q->charset.s, q->charset.len, "", 0, charset_iconv) < 0;
		stralloc_free(&none);
	}
	return (q->root = read_list(&r)) && parse_end(p);
}

void
search_free(struct search *q)
{
	for (size_t i = 0; i < q->text_count; i++)
		matcher_free(&q->texts[i]->matcher);
}

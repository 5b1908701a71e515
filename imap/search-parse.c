/* The keys of SEARCH (RFC 3501 6.4.4 and section 9, search-key), and those of its extensions. */
#include "imap/search.h"

#include <string.h>

#include "imap/capability.h"
#include "imap/limits.h"
#include "lib/ascii.h"
#include "maildir/name.h"

enum argument {
	NOTHING,
	UIDS,
	ABOVE,
	BELOW,
	KEYWORD,
	UNKEYWORD,
	DATE,
	NUMBER,
	INTERVAL,
	MODSEQ,
	ID,
	STRING,
	FIELD,
	KEY,
	TWO_KEYS
};

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
	{"EMAILID",    SEARCH_EMAILID,    ID,        0, 0, 0},              /* RFC 8474 6 */
	{"FLAGGED",    SEARCH_FLAGS,      NOTHING,   FLAG_FLAGGED, FLAG_FLAGGED, 0},
	{"FROM",       SEARCH_HEADER,     STRING,    0, 0, "From"},
	{"HEADER",     SEARCH_HEADER,     FIELD,     0, 0, 0},
	{"KEYWORD",    SEARCH_KEYWORD,    KEYWORD,   0, 0, 0},
	{"LARGER",     SEARCH_LARGER,     NUMBER,    0, 0, 0},
	{"MODSEQ",     SEARCH_MODSEQ,     MODSEQ,    0, 0, 0},              /* RFC 7162 3.1.5 */
	{"NEW",        SEARCH_FLAGS,      NOTHING,   FLAG_RECENT | FLAG_SEEN, FLAG_RECENT, 0},
	{"NOT",        SEARCH_NOT,        KEY,       0, 0, 0},
	{"OLD",        SEARCH_FLAGS,      NOTHING,   FLAG_RECENT, 0, 0},
	{"OLDER",      SEARCH_OLDER,      INTERVAL,  0, 0, 0},              /* RFC 5032 2 */
	{"ON",         SEARCH_ON,         DATE,      0, 0, 0},
	{"OR",         SEARCH_OR,         TWO_KEYS,  0, 0, 0},
	{"RECENT",     SEARCH_FLAGS,      NOTHING,   FLAG_RECENT, FLAG_RECENT, 0},
	{"SAVEDATESUPPORTED", SEARCH_ALL, NOTHING,   0, 0, 0},              /* RFC 8514 4.3 */
	{"SAVEDBEFORE", SEARCH_SAVEDBEFORE, DATE,    0, 0, 0},              /* RFC 8514 4.3 */
	{"SAVEDON",    SEARCH_SAVEDON,    DATE,      0, 0, 0},              /* RFC 8514 4.3 */
	{"SAVEDSINCE", SEARCH_SAVEDSINCE, DATE,      0, 0, 0},              /* RFC 8514 4.3 */
	{"SEEN",       SEARCH_FLAGS,      NOTHING,   FLAG_SEEN, FLAG_SEEN, 0},
	{"SENTBEFORE", SEARCH_SENTBEFORE, DATE,      0, 0, 0},
	{"SENTON",     SEARCH_SENTON,     DATE,      0, 0, 0},
	{"SENTSINCE",  SEARCH_SENTSINCE,  DATE,      0, 0, 0},
	{"SINCE",      SEARCH_SINCE,      DATE,      0, 0, 0},
	{"SMALLER",    SEARCH_SMALLER,    NUMBER,    0, 0, 0},
	{"SUBJECT",    SEARCH_HEADER,     STRING,    0, 0, "Subject"},
	{"TEXT",       SEARCH_TEXT,       STRING,    0, 0, 0},
	{"THREADID",   SEARCH_THREADID,   ID,        0, 0, 0},              /* RFC 8474 6 */
	{"TO",         SEARCH_HEADER,     STRING,    0, 0, "To"},
	{"UID",        SEARCH_SET,        UIDS,      0, 0, 0},
	{"UIDAFTER",   SEARCH_SET,        ABOVE,     0, 0, 0},              /* RFC 9738 3.2 */
	{"UIDBEFORE",  SEARCH_SET,        BELOW,     0, 0, 0},              /* RFC 9738 3.2 */
	{"UNANSWERED", SEARCH_FLAGS,      NOTHING,   FLAG_ANSWERED, 0, 0},
	{"UNDELETED",  SEARCH_FLAGS,      NOTHING,   FLAG_DELETED, 0, 0},
	{"UNDRAFT",    SEARCH_FLAGS,      NOTHING,   FLAG_DRAFT, 0, 0},
	{"UNFLAGGED",  SEARCH_FLAGS,      NOTHING,   FLAG_FLAGGED, 0, 0},
	{"UNKEYWORD",  SEARCH_NOT,        UNKEYWORD, 0, 0, 0},
	{"UNSEEN",     SEARCH_FLAGS,      NOTHING,   FLAG_SEEN, 0, 0},
	{"YOUNGER",    SEARCH_YOUNGER,    INTERVAL,  0, 0, 0},              /* RFC 5032 2 */
};
/* clang-format on */

struct reader {
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
read_field(struct reader *r, struct search_key *k)
{
	struct text t;
	if (!parse_sp(r->p) || !parse_astring(r->p, &t))
		return 0;
	k->name = t.s;
	return search_argument_text(r->p, r->q, k);
}

static int
read_argument(struct reader *r, enum argument argument, struct search_key *k)
{
	struct parse *p = r->p;
	switch (argument) {
	case NOTHING:
		return 1;
	case UIDS:
		return parse_sp(p) && search_argument_set(p, k, NUMBERS_UID);
	case ABOVE:
	case BELOW:
		return search_argument_bound(p, k, argument == ABOVE);
	case KEYWORD:
		return search_argument_keyword(p, k);
	case UNKEYWORD:
		return (k->child = new_key(r, SEARCH_KEYWORD)) &&
		       search_argument_keyword(p, k->child);
	case DATE:
		return search_argument_date(p, k);
	case NUMBER:
		return parse_sp(p) && parse_number(p, &k->number);
	case INTERVAL:
		r->q->within = 1;
		return parse_sp(p) && parse_nznumber(p, &k->number);
	case MODSEQ:
		return search_argument_modseq(p, r->q, k);
	case ID:
		return search_argument_id(p, k);
	case STRING:
		return search_argument_text(p, r->q, k);
	case FIELD:
		return read_field(r, k);
	case KEY:
		return read_children(r, k, 1);
	case TWO_KEYS:
		return read_children(r, k, 2);
	}
	return 0;
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
		struct search_key *k = new_key(r, row->kind);
		if (!k)
			return 0;
		k->mask = row->mask;
		k->want = row->want;
		k->name = row->field;
		if (!read_argument(r, row->argument, k))
			return 0;
		k->common = is_common(k);
		r->q->common |= k->common;
		return k;
	}
	parse_fail(r->p, "Unknown search key");
	return 0;
}

/* Keys up to what is no blank: all must match. */
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
	if (r->p->uidonly)
		parse_fail(r->p, ERROR_UIDREQUIRED);
	return k && search_argument_set(r->p, k, NUMBERS_SEQUENCE) ? k : 0;
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
	if (ascii_isdigit(c) || c == '*' || c == '$')
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

static int
read_all(struct parse *p, struct search *q)
{
	struct reader r = {p, q, 0};
	return (q->root = read_list(&r)) && parse_end(p);
}

int
search_parse(struct parse *p, struct search *q)
{
	if (parse_take_word(p, "CHARSET")) {
		if (p->utf8 & ENABLE_UTF8) /* RFC 6855 section 3 */
			return parse_fail(p, "Strings are UTF-8");
		if (!parse_sp(p) || !search_argument_charset(p, q))
			return 0;
	}
	return read_all(p, q);
}

int
search_parse_criteria(struct parse *p, struct search *q)
{
	return search_argument_charset(p, q) && read_all(p, q);
}

/* The command parser, sequence sets and list patterns of imap. */
// objects: imap/parse.o imap/parse-literal.o imap/parse-set.o imap/list-match.o
#include "imap/list.h"
#include "imap/parse.h"

#include <stdio.h>
#include <string.h>

#include "imap/limits.h"
#include "lib/sa.h"
#include "tests/unit/tap.h"

static char line[LIMIT_LINE];
static struct arena arena;

static struct parse
cursor(char const *text)
{
	struct parse p = {.arena = &arena, .line = line, .len = strlen(text)};
	memcpy(line, text, p.len);
	return p;
}

/* kind: a atom, s astring, q string, n nstring, p pattern, f flag, w word, t tag, d number,
 * D nz-number. wanted null: an error; rest: what is left. */
static struct {
	char kind;
	char const *in, *wanted, *rest;
} const strings_table[] = {
    {'a', "abc def", "abc", " def"},
    {'a', "a]b", "a", "]b"},
    {'a', "(a", 0, "(a"},
    {'a', "", 0, ""},
    {'a', "a%b", "a", "%b"},
    {'a', "\x7f", 0, "\x7f"},
    {'a', "\xc3\xa4", 0, "\xc3\xa4"},
    {'s', "a]b", "a]b", ""},
    {'s', "\"\"", "", ""},
    {'s', "\"a\\\"b\\\\\" x", "a\"b\\", " x"},
    {'s', "\"a\\b\"", 0, 0},
    {'s', "\"a", 0, 0},
    {'s', "\"a\\", 0, 0},
    {'s', "\"\xc3\xa4\"", "\xc3\xa4", ""},
    {'s', "\"a\rb\"", 0, 0},
    {'s', "{x}", 0, 0},
    {'s', "{}", 0, 0},
    {'s', "{+}", 0, 0},
    {'s', "{5}x", 0, 0},
    {'s', "{18446744073709551616}", 0, 0},
    {'s', "NIL", "NIL", ""},
    {'q', "abc", 0, "abc"},
    {'n', "NIL)", "-", ")"},
    {'n', "nil", "-", ""},
    {'n', "NILS", 0, "NILS"},
    {'n', "\"NIL\"", "NIL", ""},
    {'p', "a%b*]", "a%b*]", ""},
    {'p', "a(b", "a", "(b"},
    {'f', "\\Seen", "\\Seen", ""},
    {'f', "$Junk)", "$Junk", ")"},
    {'f', "\\", 0, ""},
    {'f', "\\*", 0, "*"},
    {'w', "Body.Peek[", "BODY.PEEK", "["},
    {'w', "x-y=z q", "X-Y=Z", " q"},
    {'t', "a.1 x", "a.1", " x"},
    {'t', "+ x", 0, "+ x"},
    {'t', "a+", "a", "+"},
    {'d', "0123x", "123", "x"},
    {'d', "4294967295", "4294967295", ""},
    {'d', "4294967296", 0, 0},
    {'d', "x", 0, "x"},
    {'D', "0", 0, ""},
    {'D', "7", "7", ""},
};

/* Takes one thing of this kind, as text in *t. */
static int
take(struct parse *p, char kind, struct text *t)
{
	static char digits[16];
	uint32_t number = 0;
	int r;
	switch (kind) {
	case 'a':
		return parse_atom(p, t);
	case 's':
		return parse_astring(p, t);
	case 'q':
		return parse_string(p, t);
	case 'n':
		r = parse_nstring(p, t);
		if (r && !t->s)
			*t = (struct text){"-", 1};
		return r;
	case 'p':
		return parse_pattern(p, t);
	case 'f':
		return parse_flag(p, t);
	case 'w':
		return parse_word(p, t);
	case 't':
		return parse_tag(p, t);
	default:
		r = kind == 'd' ? parse_number(p, &number) : parse_nznumber(p, &number);
		snprintf(digits, sizeof digits, "%u", number);
		*t = (struct text){digits, strlen(digits)};
		return r;
	}
}

static void
strings(void)
{
	for (size_t i = 0; i < sizeof strings_table / sizeof *strings_table; i++) {
		struct parse p = cursor(strings_table[i].in);
		char const *wanted = strings_table[i].wanted, *rest = strings_table[i].rest;
		struct text t = {0, 0};
		int r = take(&p, strings_table[i].kind, &t);
		int good = r == (wanted != 0) && (p.error == 0) == r;
		if (good && r)
			good = !strcmp(t.s, wanted) && strlen(t.s) == t.len;
		if (good && rest)
			good = p.len - p.pos == strlen(rest) &&
			       !memcmp(line + p.pos, rest, p.len - p.pos);
		tap_ok(good, "%c %s", strings_table[i].kind, strings_table[i].in);
		arena_reset(&arena);
	}
}

/* After the first error nothing more is taken. */
static void
errors(void)
{
	struct parse p = cursor("(abc");
	struct text t;
	tap_ok(!parse_atom(&p, &t), "an error");
	tap_ok(!parse_take(&p, '(') && !parse_char(&p, '(') && !parse_astring(&p, &t) &&
		   !parse_take_word(&p, "(abc") && !parse_end(&p),
	    "nothing goes on behind it");
	tap_ok(!strcmp(p.error, "Atom expected"), "the first error stays");
}

static struct {
	char const *in;
	uint32_t largest;
	char const *wanted;
} const sets_table[] = {
    {"1", 9, "1-1"},
    {"*", 9, "9-9"},
    {"5:3", 9, "3-5"},
    {"*:4", 9, "4-9"},
    {"12:*", 9, "9-12"},
    {"1,3,2", 9, "1-3"},
    {"7:9,1:3,2:5,6", 9, "1-9"},
    {"1,3", 9, "1-1 3-3"},
    {"4294967295,1:4294967295", 9, "1-4294967295"},
    {"4294967294:4294967295,4294967295", 9, "4294967294-4294967295"},
    {"1:2:3", 9, "1-2"},
    {"0", 9, 0},
    {"1,", 9, 0},
    {"1:", 9, 0},
    {":1", 9, 0},
    {"", 9, 0},
    {"**", 9, "9-9"},
};

static void
sets(void)
{
	for (size_t i = 0; i < sizeof sets_table / sizeof *sets_table; i++) {
		struct parse p = cursor(sets_table[i].in);
		struct set s;
		stralloc got = STRALLOC_ZERO;
		int r = parse_set(&p, &s);
		if (r) {
			set_resolve(&s, sets_table[i].largest);
			for (size_t k = 0; k < s.n; k++)
				sa_catf(&got, "%s%u-%u", k ? " " : "", s.r[k].lo, s.r[k].hi);
		}
		tap_ok(r == (sets_table[i].wanted != 0) &&
			   (!r || !strcmp(sa_str(&got), sets_table[i].wanted)),
		    "set %s", sets_table[i].in);
		stralloc_free(&got);
		arena_reset(&arena);
	}
	struct range r[] = {{2, 4}, {7, 7}, {9, 12}};
	struct set s = {r, 3};
	char has[14] = "";
	for (uint32_t n = 1; n < 14; n++)
		has[n - 1] = set_has(&s, n) ? 'x' : '.';
	tap_ok(!memcmp(has, ".xxx..x.xxxx.", 13), "set_has");
}

static void
patterns(void)
{
	static struct {
		char const *pattern, *name;
		int match;
	} const table[] = {
	    {"*", "a.b.c", 1},
	    {"%", "a", 1},
	    {"%", "a.b", 0},
	    {"a.%", "a.b", 1},
	    {"a.%", "a", 0},
	    {"a%", "a", 1},
	    {"%b", "ab", 1},
	    {"%.b", "a.a.b", 0},
	    {"*.b", "a.a.b", 1},
	    {"*%b", "a.a.b", 1},
	    {"%*b", "a.a.b", 1},
	    {"%a%b%", "xaybz", 1},
	    {"%a%b%", "xa.bz", 0},
	    {"*a*b*", "xa.bz", 1},
	    {"*.%c", "a.bc.xc", 1},
	    {"*.%c", "a.bc.xd", 0},
	    {"a*b%c", "aXbYbZc", 1},
	    {"a*b%c", "aXbYb.Zc", 0},
	    {"a*b%c", "aXb.bZc", 1},
	    {"inbox", "INBOX", 1},
	    {"InBoX.x", "INBOX.x", 1},
	    {"INBOX.x", "INBOX.X", 0},
	    {"in%", "INBOX", 1},
	    {"inboxes", "INBOXES", 0},
	    {"", "", 1},
	    {"", "a", 0},
	    {"a", "", 0},
	    {"%", "", 1},
	    {"%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%x", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		0},
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		tap_ok(list_match(table[i].pattern, table[i].name, '.') == table[i].match,
		    "%s against %s: %d", table[i].pattern, table[i].name, table[i].match);
}

int
main(void)
{
	strings();
	errors();
	sets();
	patterns();
	return tap_done();
}

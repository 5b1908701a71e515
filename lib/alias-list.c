#include "lib/alias-list.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lib/ascii.h"
#include "lib/fnv.h"
#include "lib/sa.h"

static char const include[] = ":include:";
#define INCLUDE_LEN (sizeof include - 1)

struct alias_list
alias_list(char const *s, size_t n)
{
	return (struct alias_list){.s = s, .end = s + n, .line_start = 1};
}

/* ---- octets ---- */

static int
peek(struct alias_list const *l)
{
	return l->s < l->end ? (unsigned char)*l->s : -1;
}

static int
is_control(int c)
{
	return (c >= 0 && c < ' ' && c != '\t') || c == 127;
}

static int
is_blank(int c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* What ends an item. */
static int
is_separator(int c)
{
	return c < 0 || c == ',' || c == ';' || c == '\n';
}

static int
in_word(int c)
{
	return !is_separator(c) && !is_blank(c) && !strchr("()<>\"", c);
}

/* Behind a quoted string that begins here; its text is appended to out, which may be null. -1: it
 * does not end in this line. */
static int
quoted(struct alias_list *l, stralloc *out)
{
	for (l->s++; peek(l) >= 0 && *l->s != '\n'; l->s++) {
		if (*l->s == '"') {
			l->s++;
			return 0;
		}
		if (*l->s == '\\' && l->s + 1 < l->end && l->s[1] != '\n')
			l->s++;
		if (out)
			sa_append(out, *l->s);
	}
	return -1;
}

/* Behind a comment that begins here; comments nest (RFC 822 3.4.3). */
static void
skip_comment(struct alias_list *l)
{
	int depth = 0;
	for (; peek(l) >= 0 && *l->s != '\n'; l->s++) {
		if (*l->s == '\\' && l->s + 1 < l->end && l->s[1] != '\n')
			l->s++;
		else if (*l->s == '(')
			depth++;
		else if (*l->s == ')' && !--depth) {
			l->s++;
			return;
		}
	}
}

static void
skip_blanks(struct alias_list *l)
{
	while (is_blank(peek(l)) || peek(l) == '(') {
		if (*l->s == '(')
			skip_comment(l);
		else
			l->s++;
	}
}

/* ---- items that are no address ---- */

static int
has_include(char const *s, size_t n)
{
	return n >= INCLUDE_LEN && !strncasecmp(s, include, INCLUDE_LEN);
}

static void
set(struct alias_item *item, struct arena *a, enum alias_kind kind, char const *s, size_t n)
{
	*item = (struct alias_item){.kind = kind, .text = arena_strndup(a, s, n)};
	/* What would end in a log line, a file's name or a command as something else than it seems.
	 */
	for (size_t i = 0; i < n; i++)
		if (is_control((unsigned char)s[i]))
			item->kind = ALIAS_BAD;
}

/* What an unquoted text stands for if it is no address: 1; 0. */
static int
not_address(struct alias_item *item, struct arena *a, char const *s, size_t n)
{
	if (n && *s == '|') {
		size_t len = n - 1;
		s++;
		ascii_trim(&s, &len);
		set(item, a, len ? ALIAS_PROGRAM : ALIAS_BAD, s, len);
	} else if (n && *s == '/')
		set(item, a, s[n - 1] == '/' ? ALIAS_MAILDIR : ALIAS_FILE, s, n);
	else if (has_include(s, n))
		set(item, a, ALIAS_INCLUDE, s + INCLUDE_LEN, n - INCLUDE_LEN);
	else
		return 0;
	return 1;
}

/* |program without quotes around it all. Quotes within are the shell's, unless they are around what
 * follows the bar: |"program with, commas" is common. */
static int
program(struct alias_list *l, struct arena *a, struct alias_item *item)
{
	stralloc text = STRALLOC_ZERO;
	char const *begin = l->s++;
	while (is_blank(peek(l)))
		l->s++;
	int whole = 0;
	if (peek(l) == '"') {
		char const *inner = l->s;
		sa_append(&text, '|');
		whole = !quoted(l, &text);
		if (!whole)
			l->s = inner;
	}
	if (!whole) {
		sa_reset(&text);
		while (peek(l) >= 0 && *l->s != ',' && *l->s != '\n')
			if (*l->s == '"')
				quoted(l, 0);
			else
				l->s++;
		sa_catb(&text, begin, (size_t)(l->s - begin));
	}
	not_address(item, a, text.s, text.len);
	stralloc_free(&text);
	return 1;
}

/* /file or :include:/file: to the next blank or separator outside quotes. */
static int
path(struct alias_list *l, struct arena *a, struct alias_item *item)
{
	stralloc text = STRALLOC_ZERO;
	int bad = 0;
	while (peek(l) == '"' || (peek(l) >= 0 && !is_separator(*l->s) && !is_blank(*l->s))) {
		if (*l->s == '"')
			bad |= quoted(l, &text) < 0;
		else
			sa_append(&text, *l->s++);
	}
	if (bad)
		set(item, a, ALIAS_BAD, text.s, text.len);
	else
		not_address(item, a, text.s, text.len);
	stralloc_free(&text);
	return 1;
}

/* ---- addresses ---- */

struct spec {
	stralloc text;	 /* unquoted */
	unsigned int at; /* @ outside quotes */
	int bad;
};

/* [192.0.2.1]: RFC 822 6.2.3. */
static void
literal(struct alias_list *l, struct spec *p)
{
	while (peek(l) >= 0 && *l->s != ']' && *l->s != '\n')
		sa_append(&p->text, *l->s++);
	if (peek(l) == ']')
		sa_append(&p->text, *l->s++);
	else
		p->bad = 1;
}

/* Words and quoted strings joined by . and @, with blanks and comments around these alone: two
 * words in a row are two addresses. */
static void
spec(struct alias_list *l, struct spec *p)
{
	for (;;) {
		int c = peek(l), joint = 0;
		if (c == '"')
			p->bad |= quoted(l, &p->text) < 0;
		else if (c == '[')
			literal(l, p);
		else
			while (in_word(peek(l)) && *l->s != '@' && *l->s != '[' && *l->s != ':') {
				if (*l->s == '\\' && l->s + 1 < l->end && in_word(l->s[1]))
					l->s++;
				sa_append(&p->text, *l->s++);
			}
		joint = p->text.len && p->text.s[p->text.len - 1] == '.';
		char const *word_end = l->s;
		skip_blanks(l);
		c = peek(l);
		if (c == '@') {
			p->at++;
			sa_append(&p->text, *l->s++);
			skip_blanks(l);
		} else if (c == '.' || (c == '[' && word_end == l->s))
			;
		else if (!joint || c == ':' || !(in_word(c) || c == '"'))
			return;
	}
}

static void
set_address(struct alias_item *item, struct arena *a, struct spec const *p, int past)
{
	char const *s = p->text.s, *at = 0;
	size_t n = p->text.len, local = n;
	int bad = p->bad || p->at > 1;
	for (size_t i = 0; i < n; i++) {
		bad |= s[i] == '\t';
		if (s[i] == '@')
			at = s + i;
	}
	if (at)
		local = (size_t)(at - s);
	if (bad || !local || (at && local + 1 == n)) {
		set(item, a, ALIAS_BAD, s, n);
		return;
	}
	set(item, a, ALIAS_ADDRESS, s, n);
	if (item->kind == ALIAS_BAD)
		return;
	item->text = arena_strndup(a, s, local);
	item->domain = at ? arena_strndup(a, at + 1, n - local - 1) : 0;
	item->past = past;
}

/* Behind the phrase in front of an <address> and its bracket: 1; 0 there is no bracket, which is
 * looked for once, not for each word of a long line. */
static int
enter_angle(struct alias_list *l)
{
	struct alias_list ahead = *l;
	if (l->plain && l->s < l->plain)
		return 0;
	while (peek(&ahead) != '<' && !is_separator(peek(&ahead))) {
		if (*ahead.s == '(')
			skip_comment(&ahead);
		else if (*ahead.s == '"')
			quoted(&ahead, 0);
		else
			ahead.s++;
	}
	if (peek(&ahead) != '<') {
		l->plain = ahead.s;
		return 0;
	}
	l->s = ahead.s + 1;
	return 1;
}

/* A source route: RFC 822 6.2.7. */
static void
skip_route(struct alias_list *l)
{
	skip_blanks(l);
	char const *s = l->s;
	if (peek(l) != '@')
		return;
	while (s < l->end && !strchr(":<>\n", *s))
		s++;
	if (s < l->end && *s == ':') {
		l->s = s + 1;
		skip_blanks(l);
	}
}

/* 1 with an item; 0: it was a group's name (RFC 822 6.1). */
static int
address(struct alias_list *l, struct arena *a, struct alias_item *item)
{
	struct spec p = {STRALLOC_ZERO, 0, 0};
	char const *begin = l->s;
	int const angle = enter_angle(l);
	if (angle)
		skip_route(l);
	int const past =
	    peek(l) == '\\' || (peek(l) == '"' && l->end - l->s > 1 && l->s[1] == '\\');
	if (peek(l) == '\\')
		l->s++;
	spec(l, &p);
	int found = 1;
	if (angle) {
		p.bad |= peek(l) != '>';
		while (!is_separator(peek(l)) && *l->s != '>')
			l->s++;
		if (peek(l) == '>')
			l->s++;
	} else if (peek(l) == ':' && !p.at) {
		l->s++;
		found = 0;
	} else if (l->s == begin) {
		sa_append(&p.text, *l->s++);
		p.bad = 1;
	}
	if (found)
		set_address(item, a, &p, past);
	stralloc_free(&p.text);
	return found;
}

/* "|program", "/file", ":include:/file": 1; 0 an address begins here. */
static int
quoted_item(struct alias_list *l, struct arena *a, struct alias_item *item)
{
	struct alias_list ahead = *l;
	stralloc text = STRALLOC_ZERO;
	int found = 0;
	if (!quoted(&ahead, &text))
		found = not_address(item, a, text.s, text.len);
	if (found)
		l->s = ahead.s;
	stralloc_free(&text);
	return found;
}

/* ---- the list ---- */

static int
one(struct alias_list *l, struct arena *a, struct alias_item *item)
{
	if (*l->s == '|')
		return program(l, a, item);
	if (*l->s == '/' || has_include(l->s, (size_t)(l->end - l->s)))
		return path(l, a, item);
	return (*l->s == '"' && quoted_item(l, a, item)) || address(l, a, item);
}

int
alias_next(struct alias_list *l, struct arena *a, struct alias_item *item)
{
	while (peek(l) >= 0) {
		int c = peek(l), start = l->line_start;
		if (c == '#' && start) {
			while (peek(l) >= 0 && *l->s != '\n')
				l->s++;
			continue;
		}
		if (c == '(')
			skip_comment(l);
		else if (is_blank(c))
			l->s++;
		else if (is_separator(c)) {
			l->line_start = c == '\n';
			l->s++;
		} else {
			l->line_start = 0;
			if (one(l, a, item))
				return 1;
		}
	}
	return 0;
}

void
alias_mark(char out[static ALIAS_MARK + 1], struct alias_item const *item)
{
	char const kind = item->kind == ALIAS_PROGRAM ? '|' : '/';
	uint64_t const h = fnv64(FNV64_BEGIN, &kind, 1);
	snprintf(out, ALIAS_MARK + 1, "%016llx",
	    (unsigned long long)fnv64(h, item->text, strlen(item->text)));
}

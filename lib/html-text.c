#include "lib/html-text.h"

#include <string.h>

#include "lib/ascii.h"
#include "lib/sa.h"
#include "lib/utf8.h"

struct reader {
	char const *p, *end;
	stralloc *out;
	unsigned int quotes; /* blockquotes that are open */
};

/* What a tag means for the text; what is not named here changes nothing. */
enum effect {
	NONE,
	BREAK, /* a line ends */
	SKIP,  /* the element's content is not shown */
	QUOTE
};
static struct {
	char name[11];
	enum effect effect;
} const tags[] = {
    {"br", BREAK},
    {"p", BREAK},
    {"div", BREAK},
    {"td", BREAK},
    {"tr", BREAK},
    {"li", BREAK},
    {"table", BREAK},
    {"h1", BREAK},
    {"h2", BREAK},
    {"h3", BREAK},
    {"h4", BREAK},
    {"hr", BREAK},
    {"ul", BREAK},
    {"ol", BREAK},
    {"pre", BREAK},
    {"body", BREAK},
    {"style", SKIP},
    {"script", SKIP},
    {"title", SKIP},
    {"textarea", SKIP},
    {"template", SKIP},
    {"noscript", SKIP},
    {"blockquote", QUOTE},
};

/* Named character references that mail is full of; others stay as they are written. */
static struct {
	char name[7];
	unsigned short c;
} const references[] = {
    {"nbsp", 0xA0},
    {"amp", '&'},
    {"lt", '<'},
    {"gt", '>'},
    {"quot", '"'},
    {"apos", '\''},
    {"zwnj", 0x200C},
    {"zwj", 0x200D},
    {"shy", 0xAD},
    {"ndash", 0x2013},
    {"mdash", 0x2014},
    {"hellip", 0x2026},
    {"lsquo", 0x2018},
    {"rsquo", 0x2019},
    {"ldquo", 0x201C},
    {"rdquo", 0x201D},
    {"laquo", 0xAB},
    {"raquo", 0xBB},
    {"bull", 0x2022},
    {"middot", 0xB7},
    {"copy", 0xA9},
    {"reg", 0xAE},
    {"trade", 0x2122},
    {"euro", 0x20AC},
    {"pound", 0xA3},
    {"sect", 0xA7},
    {"deg", 0xB0},
    {"auml", 0xE4},
    {"ouml", 0xF6},
    {"uuml", 0xFC},
    {"Auml", 0xC4},
    {"Ouml", 0xD6},
    {"Uuml", 0xDC},
    {"szlig", 0xDF},
    {"agrave", 0xE0},
    {"aacute", 0xE1},
    {"acirc", 0xE2},
    {"aring", 0xE5},
    {"ccedil", 0xE7},
    {"egrave", 0xE8},
    {"eacute", 0xE9},
    {"ecirc", 0xEA},
    {"euml", 0xEB},
    {"iacute", 0xED},
    {"icirc", 0xEE},
    {"ntilde", 0xF1},
    {"oacute", 0xF3},
    {"ocirc", 0xF4},
    {"oslash", 0xF8},
    {"ugrave", 0xF9},
    {"uacute", 0xFA},
    {"ucirc", 0xFB},
};

static void
put(struct reader *r, char const *s, size_t n)
{
	if (!r->quotes)
		sa_catb(r->out, s, n);
}

static int
is_alpha(char c)
{
	return ascii_tolower(c) >= 'a' && ascii_tolower(c) <= 'z';
}

/* "&#229;", "&#xE5;": the character and where it ends, or 0. */
static uint32_t
number(char const *p, char const *end, char const **behind)
{
	unsigned int const base = p < end && ascii_tolower(*p) == 'x' ? 16 : 10;
	uint32_t c = 0;
	for (p += base == 16; p < end && c < 0x110000; p++) {
		char const d = ascii_tolower(*p);
		unsigned int const v = ascii_isdigit(d)	      ? (unsigned int)(d - '0')
				       : d >= 'a' && d <= 'f' ? (unsigned int)(d - 'a' + 10)
							      : 16;
		if (v >= base)
			break;
		c = c * base + v;
	}
	*behind = p;
	return c >= 0x110000 || (c >= 0xD800 && c < 0xE000) ? UTF8_REPLACEMENT : c;
}

static uint32_t
named(char const *p, char const *end, char const **behind)
{
	char const *q = p;
	while (q < end && q - p < 8 && (is_alpha(*q) || ascii_isdigit(*q)))
		q++;
	*behind = q;
	for (unsigned int i = 0; i < sizeof references / sizeof *references; i++)
		if (strlen(references[i].name) == (size_t)(q - p) &&
		    !memcmp(references[i].name, p, (size_t)(q - p)))
			return references[i].c;
	return 0;
}

/* At "&". */
static void
reference(struct reader *r)
{
	char const *behind, *const p = r->p + 1;
	int const numeric = p < r->end && *p == '#';
	uint32_t const c = numeric ? number(p + 1, r->end, &behind) : named(p, r->end, &behind);
	if (!c) {
		put(r, r->p++, 1);
		return;
	}
	char u[UTF8_MAX];
	put(r, u, utf8_encode(u, c));
	r->p = behind + (behind < r->end && *behind == ';');
}

/* Behind the ">" of the tag at p; quotes hide it in an attribute, but not for ever. */
static char const *
tag_end(char const *p, char const *end)
{
	char quote = 0;
	char const *const first = memchr(p, '>', (size_t)(end - p));
	for (char const *q = p; q < end; q++) {
		if (quote)
			quote = *q == quote ? 0 : quote;
		else if ((*q == '"' || *q == '\'') && q > p && q[-1] == '=')
			quote = *q;
		else if (*q == '>')
			return q + 1;
	}
	return first && quote ? first + 1 : end;
}

/* Behind the text `mark` (lower case), the end if it does not come. */
static char const *
find(char const *p, char const *end, char const *mark)
{
	size_t const n = strlen(mark);
	while ((p = memchr(p, *mark, (size_t)(end - p))) && (size_t)(end - p) >= n) {
		if (ascii_ieq(p, n, mark))
			return p + n;
		p++;
	}
	return end;
}

static enum effect
effect_of(char const *name, size_t n)
{
	for (unsigned int i = 0; i < sizeof tags / sizeof *tags; i++)
		if (ascii_ieq(name, n, tags[i].name))
			return tags[i].effect;
	return NONE;
}

/* At "<" and a letter or "/". */
static void
tag(struct reader *r)
{
	int const closing = r->p[1] == '/';
	char const *const name = r->p + 1 + closing;
	char const *q = name;
	while (q < r->end && (is_alpha(*q) || ascii_isdigit(*q)))
		q++;
	size_t const n = (size_t)(q - name);
	enum effect const effect = effect_of(name, n);
	r->p = tag_end(q, r->end);
	if (effect == QUOTE && !closing)
		r->quotes++;
	else if (effect == QUOTE && r->quotes)
		r->quotes--;
	if (effect == BREAK || effect == QUOTE)
		put(r, "\n", 1);
	if (effect == SKIP && !closing) {
		char mark[14] = "</";
		memcpy(mark + 2, name, n);
		mark[2 + n] = 0;
		ascii_lower(mark, n + 2);
		r->p = tag_end(find(r->p, r->end, mark), r->end);
	}
}

void
html_text(stralloc *out, char const *s, size_t n)
{
	struct reader r = {s, s + n, out, 0};
	while (r.p < r.end) {
		char const *const from = r.p;
		while (r.p < r.end && *r.p != '<' && *r.p != '&' && *r.p != '\n' && *r.p != '\r')
			r.p++;
		put(&r, from, (size_t)(r.p - from));
		if (r.p == r.end)
			break;
		char const next = r.end - r.p > 1 ? r.p[1] : 0;
		if (*r.p == '&')
			reference(&r);
		else if (*r.p != '<') { /* a line end is a blank */
			put(&r, " ", 1);
			r.p++;
		} else if (next == '!' && r.end - r.p > 3 && r.p[2] == '-' && r.p[3] == '-')
			r.p = find(r.p + 4, r.end, "-->");
		else if (is_alpha(next) || next == '/')
			tag(&r);
		else if (next == '!' || next == '?')
			r.p = tag_end(r.p, r.end);
		else
			put(&r, r.p++, 1);
	}
}

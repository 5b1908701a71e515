/* Bracket expressions: IEEE Std 1003.1 9.3.5. Classes of characters above 127 are Unicode's. */
#include "sieve/regex-code.h"

#include <unictype.h>

#include "lib/ascii.h"
#include "lib/sa.h"

static struct {
	char const *name;
	unsigned int classes;
} const names[] = {
    {"alpha", CLASS_ALPHA},
    {"digit", CLASS_DIGIT},
    {"alnum", CLASS_ALPHA | CLASS_DIGIT},
    {"lower", CLASS_LOWER},
    {"upper", CLASS_UPPER},
    {"space", CLASS_SPACE},
    {"blank", CLASS_BLANK},
    {"punct", CLASS_PUNCT},
    {"cntrl", CLASS_CNTRL},
    {"print", CLASS_PRINT},
    {"graph", CLASS_GRAPH},
    {"xdigit", CLASS_XDIGIT},
};

unsigned int
regex_class_named(char const *name, size_t n)
{
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (n == strlen(names[i].name) && !memcmp(name, names[i].name, n))
			return names[i].classes;
	return 0;
}

/* The classes that an ASCII character is in. */
static unsigned int
ascii_classes(uint32_t c)
{
	int const lower = c >= 'a' && c <= 'z', upper = c >= 'A' && c <= 'Z';
	int const digit = c >= '0' && c <= '9', graph = c > ' ' && c < 127;
	return (lower || upper ? CLASS_ALPHA : 0u) | (lower ? CLASS_LOWER : 0u) |
	       (upper ? CLASS_UPPER : 0u) | (digit ? CLASS_DIGIT : 0u) |
	       (graph ? CLASS_GRAPH | CLASS_PRINT : CLASS_CNTRL) |
	       (graph && !lower && !upper && !digit ? CLASS_PUNCT : 0u) |
	       (c == ' ' || (c >= '\t' && c <= '\r') ? CLASS_SPACE : 0u) |
	       (c == ' ' || c == '\t' ? CLASS_BLANK : 0u) |
	       (digit || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') ? CLASS_XDIGIT : 0u);
}

static int
in_classes(unsigned int k, uint32_t c)
{
	return (k & CLASS_ALPHA && uc_is_alpha(c)) || (k & CLASS_LOWER && uc_is_lower(c)) ||
	       (k & CLASS_UPPER && uc_is_upper(c)) || (k & CLASS_SPACE && uc_is_space(c)) ||
	       (k & CLASS_BLANK && uc_is_blank(c)) || (k & CLASS_PUNCT && uc_is_punct(c)) ||
	       (k & CLASS_CNTRL && uc_is_cntrl(c)) || (k & CLASS_PRINT && uc_is_print(c)) ||
	       (k & CLASS_GRAPH && uc_is_graph(c));
}

void
regex_set_class(struct regex_set *s, unsigned int classes)
{
	for (uint32_t c = 0; c < 128; c++) {
		/* A blank is printed though it shows nothing. */
		unsigned int const is =
		    c == ' ' ? (ascii_classes(c) & ~(unsigned int)CLASS_CNTRL) | CLASS_PRINT
			     : ascii_classes(c);
		if (is & classes)
			s->ascii[c / 32] |= (uint32_t)1 << c % 32;
	}
	s->classes |= classes;
}

int
regex_set_add(struct regex_set *s, uint32_t from, uint32_t to)
{
	if (from > to)
		return -1;
	for (uint32_t c = from; c <= to && c < 128; c++)
		s->ascii[c / 32] |= (uint32_t)1 << c % 32;
	if (to < 128)
		return 0;
	s->range = xrealloc(s->range, s->ranges + 1, sizeof *s->range);
	s->range[s->ranges++] = (struct regex_range){from < 128 ? 128 : from, to};
	return 0;
}

static int
has(struct regex_set const *s, uint32_t c)
{
	if (c < 128)
		return s->ascii[c / 32] >> c % 32 & 1;
	for (uint32_t i = 0; i < s->ranges; i++)
		if (c >= s->range[i].from && c <= s->range[i].to)
			return 1;
	return c <= 0x10FFFF && s->classes && in_classes(s->classes, c);
}

int
regex_set_has(struct regex_set const *s, uint32_t c, int icase)
{
	int found = has(s, c);
	if (!found && icase && c < 128)
		found = has(s, (unsigned char)ascii_tolower((char)c)) ||
			has(s, (unsigned char)ascii_toupper((char)c));
	return found != s->negated;
}

int
regex_is_word(uint32_t c)
{
	if (c < 128)
		return c == '_' || ascii_classes(c) & (CLASS_ALPHA | CLASS_DIGIT);
	return c <= 0x10FFFF && uc_is_alnum(c);
}

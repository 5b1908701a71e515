#include "sieve/lex.h"

#include <string.h>

#include "lib/ascii.h"
#include "sieve/limits.h"

void
lex_start(struct lexer *l, struct arena *a, char const *s, size_t n)
{
	*l = (struct lexer){.p = s, .end = s + n, .a = a, .line = 1};
	if (n >= 3 && !memcmp(s, "\xef\xbb\xbf", 3))
		l->p += 3;
}

static void
wrong(struct lexer *l, char const *why)
{
	l->token = LEX_WRONG;
	l->error = why;
}

static int
is_letter(char c)
{
	return c == '_' || (ascii_tolower(c) >= 'a' && ascii_tolower(c) <= 'z');
}

/* Skips blanks, line ends and comments (RFC 5228 2.3). -1: a comment without an end. */
static int
skip_blanks(struct lexer *l)
{
	for (; l->p < l->end; l->p++) {
		if (*l->p == '\n') {
			l->line++;
		} else if (*l->p == '#') {
			char const *const lf = memchr(l->p, '\n', (size_t)(l->end - l->p));
			l->p = lf ? lf - 1 : l->end - 1;
		} else if (*l->p == '/' && l->end - l->p > 1 && l->p[1] == '*') {
			l->token_line = l->line;
			for (l->p += 2;; l->p++) {
				if (l->end - l->p < 2) {
					l->p = l->end;
					return -1;
				}
				if (*l->p == '*' && l->p[1] == '/')
					break;
				l->line += *l->p == '\n';
			}
			l->p++;
		} else if (*l->p != ' ' && *l->p != '\t' && *l->p != '\r') {
			break;
		}
	}
	return 0;
}

static void
identifier(struct lexer *l)
{
	l->s = l->p;
	while (l->p < l->end && (is_letter(*l->p) || ascii_isdigit(*l->p)))
		l->p++;
	l->len = (size_t)(l->p - l->s);
	if (l->len > SIEVE_IDENTIFIER_MAX)
		wrong(l, "identifier too long");
}

/* RFC 5228 2.4.1: K, M, G are powers of 1024. */
static void
number(struct lexer *l)
{
	uint64_t n = 0;
	int over = 0;
	for (; l->p < l->end && ascii_isdigit(*l->p); l->p++)
		over |= __builtin_mul_overflow(n, (uint64_t)10, &n) ||
			__builtin_add_overflow(n, (uint64_t)(*l->p - '0'), &n);
	char const unit = l->p < l->end ? ascii_tolower(*l->p) : 0;
	unsigned int const shift = unit == 'k' ? 10 : unit == 'm' ? 20 : unit == 'g' ? 30 : 0;
	if (shift) {
		over |= n > UINT64_MAX >> shift;
		n <<= shift;
		l->p++;
	}
	l->token = LEX_NUMBER;
	l->number = n;
	if (l->p < l->end && (is_letter(*l->p) || ascii_isdigit(*l->p))) {
		while (l->p < l->end && (is_letter(*l->p) || ascii_isdigit(*l->p)))
			l->p++;
		wrong(l, "a number may only end in K, M or G");
	} else if (over) {
		wrong(l, "number too large");
	}
}

/* A quoted string: as it stands in the script, or a copy where octets are to be left out. */
static void
quoted(struct lexer *l)
{
	char const *const from = ++l->p;
	size_t dropped = 0;
	for (; l->p < l->end && *l->p != '"'; l->p++) {
		if (*l->p == '\\' && l->end - l->p > 1) {
			dropped++;
			l->p++;
		} else if (*l->p == '\r' && l->end - l->p > 1 && l->p[1] == '\n') {
			dropped++;
		} else if (!*l->p) {
			wrong(l, "NUL in a string");
		}
		l->line += *l->p == '\n';
	}
	if (l->p >= l->end) {
		l->p = l->end;
		wrong(l, "string without an end");
		return;
	}
	l->s = from;
	l->len = (size_t)(l->p - from) - dropped;
	if (dropped) {
		char *const to = arena_alloc(l->a, l->len + 1);
		size_t k = 0;
		for (char const *p = from; p < l->p; p++)
			if (*p == '\\' && p + 1 < l->p)
				to[k++] = *++p;
			else if (*p != '\r' || p[1] != '\n')
				to[k++] = *p;
		l->s = to;
		l->len = k;
	}
	l->p++;
	if (l->len > SIEVE_STRING_MAX)
		wrong(l, "string too long");
}

/* Moves the cursor behind the line that is "." alone: where that line begins, or null. */
static char const *
text_end(struct lexer *l)
{
	while (l->p < l->end) {
		char const *const line = l->p, *const lf =
						   memchr(line, '\n', (size_t)(l->end - line));
		size_t n = (size_t)((lf ? lf : l->end) - line);
		n -= n && line[n - 1] == '\r';
		l->p = lf ? lf + 1 : l->end;
		l->line += !!lf;
		if (n == 1 && *line == '.')
			return line;
	}
	return 0;
}

/* A copy of whole lines, line ends as LF, of two dots in front of a line one. */
static void
unstuff(struct lexer *l, char const *from, char const *end)
{
	char *const to = arena_alloc(l->a, (size_t)(end - from) + 1);
	size_t k = 0;
	for (char const *p = from; p < end; p++) {
		if (*p == '.' && (p == from || p[-1] == '\n') && p[1] == '.')
			p++;
		if (*p != '\r' || p[1] != '\n')
			to[k++] = *p;
	}
	l->s = to;
	l->len = k;
}

/* multi-line (RFC 5228 8.1): the cursor is behind "text:". */
static void
text_lines(struct lexer *l)
{
	while (l->p < l->end && ascii_isblank(*l->p))
		l->p++;
	if (l->p < l->end && *l->p == '#')
		while (l->p < l->end && *l->p != '\n')
			l->p++;
	if (l->p < l->end && *l->p == '\r')
		l->p++;
	if (l->p == l->end || *l->p != '\n') {
		wrong(l, "\"text:\" must end its line");
		return;
	}
	l->p++;
	l->line++;
	char const *const from = l->p;
	char const *const end = text_end(l);
	if (!end) {
		wrong(l, "text without a line \".\" at its end");
	} else if ((size_t)(end - from) > SIEVE_STRING_MAX) {
		wrong(l, "string too long");
	} else {
		unstuff(l, from, end);
		if (memchr(l->s, 0, l->len))
			wrong(l, "NUL in a string");
	}
}

static void
word(struct lexer *l)
{
	l->token = LEX_IDENTIFIER;
	identifier(l);
	if (l->token == LEX_IDENTIFIER && ascii_ieq(l->s, l->len, "text") && l->p < l->end &&
	    *l->p == ':') {
		l->p++;
		l->token = LEX_STRING;
		text_lines(l);
	}
}

void
lex_next(struct lexer *l)
{
	l->token_line = l->line;
	if (skip_blanks(l) < 0) {
		wrong(l, "comment without an end");
		return;
	}
	l->token_line = l->line;
	if (l->p == l->end) {
		l->token = LEX_END;
	} else if (is_letter(*l->p)) {
		word(l);
	} else if (ascii_isdigit(*l->p)) {
		number(l);
	} else if (*l->p == '"') {
		l->token = LEX_STRING;
		quoted(l);
	} else if (*l->p == ':' && l->end - l->p > 1 && is_letter(l->p[1])) {
		l->p++;
		l->token = LEX_TAG;
		identifier(l);
	} else if (memchr(";,()[]{}", *l->p, 8)) {
		l->token = LEX_SIGN;
		l->sign = *l->p++;
	} else {
		l->p++;
		wrong(l, "unexpected character");
	}
}

#include "mda-local/qmail-parse.h"

#include <string.h>

#include "lib/sa.h"

/* The line without blanks at its end; up to an octet 0, where commands and names end as well. */
static size_t
trimmed(char const *s, size_t n)
{
	char const *nul = memchr(s, 0, n);
	if (nul)
		n = (size_t)(nul - s);
	while (n && (s[n - 1] == ' ' || s[n - 1] == '\t'))
		n--;
	return n;
}

static char const *
add_line(struct arena *a, char const *s, size_t n, int forward_only, struct qmail_lines *out)
{
	struct qmail_line *l = &out->line[out->count++];
	switch (*s) {
	case '|':
		l->kind = QMAIL_PROGRAM;
		out->programs = 1;
		break;
	case '.':
	case '/':
		l->kind = s[n - 1] == '/' ? QMAIL_MAILDIR : QMAIL_MBOX;
		break;
	default:
		l->kind = QMAIL_FORWARD;
	}
	if (forward_only && l->kind == QMAIL_PROGRAM)
		return "rules file has a program but is for forwards only";
	if (forward_only && l->kind != QMAIL_FORWARD)
		return "rules file has a mailbox but is for forwards only";
	size_t const skip = *s == '|' || *s == '&';
	l->text = arena_strndup(a, s + skip, n - skip);
	return 0;
}

char const *
qmail_parse(struct arena *a, char const *s, size_t n, int forward_only, struct qmail_lines *out)
{
	static char const list[] = "+list";
	char const *error = 0, *const end = s + n;
	size_t most = 1;
	for (size_t i = 0; i < n; i++)
		most += s[i] == '\n';
	*out = (struct qmail_lines){.line = arena_alloc(a, most * sizeof *out->line)};
	for (char const *next, *line = s; !error && line < end; line = next) {
		char const *lf = memchr(line, '\n', (size_t)(end - line));
		size_t const len = trimmed(line, (size_t)((lf ? lf : end) - line));
		next = lf ? lf + 1 : end;
		if (!len && line == s)
			return "first line of rules file is blank";
		if (!len || *line == '#')
			continue;
		if (*line != '+')
			error = add_line(a, line, len, forward_only, out);
		else if (len == sizeof list - 1 && !memcmp(line, list, len))
			forward_only = 1;
	}
	return error;
}

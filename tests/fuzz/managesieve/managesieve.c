/* ManageSieve's commands, in lines and literals as they come: whatever it is, no octet outside is touched, what is taken for a
 * string lies within what came, and a name that passes leads to no other folder. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/sa.h"
#include "managesieve/parse.h"
#include "sieve/sieve.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static struct manage_row const table[] = {
    {"PUTSCRIPT", 0, "nc", 0, "syntax"},
    {"HAVESPACE", 0, "n#", 0, "syntax"},
    {"SETACTIVE", 0, "a", 0, "syntax"},
    {"NOOP", 0, "?s", 0, "syntax"},
    {0, 0, 0, 0, 0},
};

static void
check(struct manage_line const *c, char const *room, size_t len)
{
	struct manage_row const *row;
	for (unsigned int i = 0; i < c->count; i++)
		if (c->arg[i].is_string &&
		    (c->arg[i].s < room || c->arg[i].s + c->arg[i].len > room + len))
			abort();
	if (manage_check(table, c, &row) || !row || *row->args != 'n')
		return;
	stralloc file = STRALLOC_ZERO;
	sieve_name_file(&file, c->arg->s, c->arg->len);
	sa_str(&file);
	if (*file.s == '/' || strlen(file.s) != file.len || !strncmp(file.s, "../", 3) ||
	    strstr(file.s, "/../"))
		abort();
	stralloc_free(&file);
}

/* One command from the front of room[0..n): how much of it was used. */
static size_t
command(char *room, size_t n)
{
	struct manage_line c = {.expect = *room & 1 ? MANAGE_VERB : MANAGE_STRING};
	char const *why = 0;
	size_t at = 0;
	for (int first = 1; first || at < n; first = 0) {
		char *lf = memchr(room + at, '\n', n - at);
		size_t end = lf ? (size_t)(lf - room) : n, len = end - at, literal;
		int more = manage_literal(room + at, &len, &literal);
		if (!why)
			why = manage_parse(&c, room + at, len, more);
		at = lf ? end + 1 : n;
		if (!more)
			break;
		if (literal > n - at)
			return n;
		if (!why)
			manage_add(&c, room + at, literal);
		at += literal;
	}
	if (!why && c.verb)
		check(&c, room, n);
	return at;
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	char *room = malloc(size + 1);
	memcpy(room, data, size);
	for (size_t at = 0; at < size;)
		at += command(room + at, size - at);
	free(room);
	return 0;
}

#include "lib/command.h"

#include <string.h>

#include "lib/ascii.h"

static struct command const *
find(struct command const *table, char const *verb, size_t len)
{
	for (; table->verb; table++)
		if (ascii_ieq(verb, len, table->verb))
			return table;
	return 0;
}

static int
has_control(char const *line, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)line[i] < ' ' && line[i] != '\t')
			return 1;
	return 0;
}

enum command_verdict
command_check(struct command const *table, unsigned int state, char *line, size_t len,
    struct command const **row, char **arg, size_t *arglen)
{
	*row = 0;
	*arg = line + len;
	*arglen = 0;
	if (has_control(line, len))
		return COMMAND_NUL;
	while (len && ascii_isblank(line[len - 1]))
		line[--len] = 0;
	size_t n = strcspn(line, " \t");
	*row = find(table, line, n);
	if (!*row)
		return COMMAND_UNKNOWN;
	while (n < len && ascii_isblank(line[n]))
		n++;
	*arg = line + n;
	*arglen = len - n;
	if (!((*row)->states & state))
		return COMMAND_BADSTATE;
	if ((*row)->args == ARGS_SOME && !*arglen)
		return COMMAND_NEEDSARG;
	if ((*row)->args == ARGS_NONE && *arglen)
		return COMMAND_NOARG;
	return COMMAND_OK;
}

#include "smtp-recv/milter-table.h"

#include <stdlib.h>
#include <string.h>

#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "lib/conf.h"
#include "lib/sa.h"
#include "lib/target.h"
#include "smtp-recv/limits.h"

static char const *const failures[] = {
    [MILTER_FAILS_TEMP] = "tempfail",
    [MILTER_FAILS_ACCEPT] = "accept",
    [MILTER_FAILS_REJECT] = "reject",
    [MILTER_FAILS_QUARANTINE] = "quarantine",
};
static char const *const waits[] = {
    [MILTER_WAIT_CONNECT] = "connect",
    [MILTER_WAIT_COMMAND] = "command",
    [MILTER_WAIT_MESSAGE] = "message",
};
static char const *const services[] = {"smtp", "submission", "relay", "local"};

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* The number of the word s[0..n), or -1. */
static int
word(char const *const *words, size_t count, char const *s, size_t n)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(words[i]) == n && !memcmp(words[i], s, n))
			return (int)i;
	return -1;
}

static int
seconds(struct milter_entry *e, char const *key, size_t n, char const *value)
{
	unsigned int secs;
	int wait = word(waits, COUNT(waits), key, n);
	int all = n == 7 && !memcmp(key, "timeout", 7);
	if (wait < 0 && !all)
		return -1;
	if (!uint0_scan(value, &secs) || !secs || secs > MILTER_SECONDS_MAX)
		return -1;
	for (int i = 0; i < MILTER_WAITS; i++)
		if (all || i == wait)
			e->seconds[i] = secs;
	return 0;
}

/* Whether the list "smtp,submission" has the service: 1, 0; -1 it has a word that is none. */
static int
serves(char const *list, char const *service)
{
	int found = 0;
	for (;;) {
		size_t n = strcspn(list, ",");
		int i = word(services, COUNT(services), list, n);
		if (i < 0)
			return -1;
		found |= !strcmp(services[i], service);
		if (!list[n])
			return found;
		list += n + 1;
	}
}

static int
socket_of(struct arena *a, struct milter_entry *e, char const *s)
{
	if (!strncmp(s, "inet:", 5))
		return target_parse(s + 5, &e->ip, &e->port);
	if (strncmp(s, "unix:", 5) || !s[5])
		return -1;
	char *path = s[5] == '/' ? xstrdup(s + 5) : conf_path(s + 5);
	e->path = arena_strndup(a, path, strlen(path));
	free(path);
	return 0;
}

/* One word behind the socket: 0, -1 none of ours; *wanted is cleared when the service is another.
 */
static int
option(struct milter_entry *e, char const *s, char const *service, int *wanted)
{
	char const *value = strchr(s, '=');
	if (!value++)
		return -1;
	size_t n = (size_t)(value - s) - 1;
	if (n == 7 && !memcmp(s, "failure", 7)) {
		int f = word(failures, COUNT(failures), value, strlen(value));
		e->failure = f < 0 ? MILTER_FAILS_TEMP : (enum milter_failure)f;
		return f < 0 ? -1 : 0;
	}
	if (n == 8 && !memcmp(s, "services", 8)) {
		int r = serves(value, service);
		*wanted = r > 0;
		return r < 0 ? -1 : 0;
	}
	return seconds(e, s, n, value);
}

int
milter_entry_parse(struct arena *a, char const *line, char const *service, struct milter_entry *e,
    char const **why)
{
	char *save, *words = arena_strndup(a, line, strlen(line));
	int wanted = 1;
	*e = (struct milter_entry){.name = strtok_r(words, " \t", &save),
	    .seconds = {MILTER_CONNECT_SECONDS, MILTER_COMMAND_SECONDS, MILTER_MESSAGE_SECONDS}};
	char const *where = strtok_r(0, " \t", &save);
	*why = "no socket unix:PATH or inet:ADDRESS:PORT";
	if (!where || socket_of(a, e, where) < 0)
		return -1;
	*why = "a bad option";
	for (char *s; (s = strtok_r(0, " \t", &save));)
		if (option(e, s, service, &wanted) < 0)
			return -1;
	return wanted;
}

/* Its texts stay as long as the program. */
static int
entry(char const *line, char const *service, struct milter_entry *e)
{
	static struct arena texts = ARENA_ZERO;
	char const *why;
	int const r = milter_entry_parse(&texts, line, service, e, &why);
	if (r < 0)
		strerr_dief5x(100, "etc/milters: ", why, " in \"", line, "\"");
	return r;
}

size_t
milter_table(char const *service, struct milter_entry **entries)
{
	stralloc list = STRALLOC_ZERO;
	size_t count = 0;
	unsigned int lines = conf_lines("milters", &list);
	if (lines > MILTERS_MAX)
		strerr_dief1x(100, "etc/milters: too many lines");
	*entries = lines ? xmalloc(lines * sizeof **entries) : 0;
	for (char const *s = list.s; lines--; s += strlen(s) + 1)
		count += (size_t)entry(s, service, *entries + count);
	stralloc_free(&list);
	return count;
}

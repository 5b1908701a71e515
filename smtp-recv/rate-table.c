#include "smtp-recv/rate.h"

#include <stdlib.h>
#include <string.h>

#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "lib/conf.h"
#include "lib/sa.h"
#include "smtp-recv/limits.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static char const *const whats[] = {
    [RATE_CONNECTIONS] = "connections",
    [RATE_COMMANDS] = "commands",
    [RATE_ERRORS] = "errors",
    [RATE_MESSAGES] = "messages",
    [RATE_RECIPIENTS] = "recipients",
};
static char const *const pers[] = {
    [RATE_ADDRESS] = "address",
    [RATE_NETWORK] = "network",
    [RATE_USER] = "user",
};

char const *
rate_what_word(enum rate_what what)
{
	return whats[what];
}

char const *
rate_per_word(enum rate_per per)
{
	return pers[per];
}

/* The number of the word, or -1. */
static int
word(char const *const *words, size_t count, char const *s)
{
	for (size_t i = 0; s && i < count; i++)
		if (!strcmp(words[i], s))
			return (int)i;
	return -1;
}

static int
number(char const *s, uint32_t max, uint32_t *n)
{
	return s && uint320_scan(s, n) && *n && *n <= max;
}

int
rate_parse(char const *line, struct rate *r)
{
	char *save, *words = xstrdup(line);
	int what = word(whats, COUNT(whats), strtok_r(words, " \t", &save));
	int per = word(pers, COUNT(pers), strtok_r(0, " \t", &save));
	int good = number(strtok_r(0, " \t", &save), RATE_COUNT_MAX, &r->count);
	good &= number(strtok_r(0, " \t", &save), RATE_SECONDS_MAX, &r->seconds);
	good = good && r->count <= r->seconds * RATE_PER_SECOND_MAX;
	good = good && what >= 0 && per >= 0 && !strtok_r(0, " \t", &save);
	r->what = (enum rate_what)what;
	r->per = (enum rate_per)per;
	free(words);
	return good ? 0 : -1;
}

static void
entry(char const *line, struct rate *r)
{
	if (rate_parse(line, r) < 0)
		strerr_dief3x(100,
		    "etc/smtp-rates: not WHAT (connections, commands, errors, messages, "
		    "recipients) "
		    "PER (address, network, user) COUNT SECONDS: \"",
		    line, "\"");
}

size_t
rate_table(struct rate **rates)
{
	stralloc list = STRALLOC_ZERO;
	size_t count = conf_lines("smtp-rates", &list), n = 0;
	if (count > RATES_MAX)
		strerr_dief1x(100, "etc/smtp-rates: too many lines");
	*rates = count ? xmalloc(count * sizeof **rates) : 0;
	for (char const *s = list.s; n < count; s += strlen(s) + 1)
		entry(s, *rates + n++);
	stralloc_free(&list);
	return count;
}

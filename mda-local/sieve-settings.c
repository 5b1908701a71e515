#include "mda-local/sieve-settings.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/conf.h"
#include "lib/fnv.h"
#include "lib/sa.h"

static struct sieve_settings settings;

struct sieve_settings const *
sieve_settings(void)
{
	return &settings;
}

static void
add_string(uint64_t *h, char const *s)
{
	*h = fnv64(*h, s ? s : "", s ? strlen(s) + 1 : 0);
}

static void
add_number(uint64_t *h, uint64_t n)
{
	*h = fnv64(*h, (char const *)&n, sizeof n);
}

/* Names that come and go in etc/sieve; what is in the files the workers see themselves. */
static void
add_stamps(uint64_t *h)
{
	static char const *const names[] = {"", "/before", "/after", "/default.sieve", "/global"};
	stralloc path = STRALLOC_ZERO;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct stat st;
		sa_copys(&path, settings.etc);
		sa_cats(&path, names[i]);
		int const there = !stat(sa_str(&path), &st);
		add_number(h, there ? st.st_ino : 0);
		add_number(h, there ? (uint64_t)st.st_ctim.tv_sec : 0);
		add_number(h, there ? (uint64_t)st.st_ctim.tv_nsec : 0);
		if (!i && !there)
			break;
	}
	stralloc_free(&path);
}

static void
add_spam(uint64_t *h, struct spam_test const *t)
{
	add_number(h, t->lines);
	for (unsigned int i = 0; i < t->lines; i++)
		add_string(h, t->line[i]);
}

uint64_t
sieve_settings_init(void)
{
	struct sieve_settings *const s = &settings;
	char const *const separators = conf_string("subaddress", "+");
	uint64_t h = FNV64_BEGIN;
	sieve_limits_settings(&s->limits);
	s->autocreate = conf_flag("sieve-autocreate", 0);
	s->vacation_min =
	    conf_duration("sieve-vacation-min", "0", 0, (uint64_t)SIEVE_VACATION_MAX * 1000) / 1000;
	s->vacation_max =
	    conf_duration("sieve-vacation-max", "90d", 1000, (uint64_t)SIEVE_VACATION_MAX * 1000) /
	    1000;
	s->separators = strcmp(separators, "none") ? separators : "";
	s->separator = *conf_string("imap-separator", ".");
	s->prefix = conf_string("imap-prefix", "");
	s->host = conf_me();
	if (!s->etc)
		s->etc = conf_path("etc/sieve");
	spam_settings(&s->spam, &s->virus);
	add_string(&h, s->limits.extensions);
	uint64_t const numbers[] = {s->limits.script, s->limits.actions, s->limits.redirects,
	    s->limits.steps, (uint64_t)s->autocreate, s->vacation_min, s->vacation_max,
	    (unsigned char)s->separator};
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		add_number(&h, numbers[i]);
	add_string(&h, s->separators);
	add_string(&h, s->prefix);
	add_string(&h, s->host);
	add_spam(&h, &s->spam);
	add_spam(&h, &s->virus);
	add_stamps(&h);
	return h;
}

#include "smtp-recv/settings.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <skalibs/strerr.h>

#include "lib/conf.h"
#include "lib/login-slots.h"
#include "lib/login.h"
#include "lib/smtp-envelope.h"
#include "smtp-recv/limits.h"

static unsigned int
number(char const *name, unsigned int otherwise, unsigned int min, unsigned int max)
{
	return (unsigned int)conf_uint(name, otherwise, min, max);
}

static unsigned int
seconds(char const *name, char const *otherwise)
{
	return (
	    unsigned int)(conf_duration(name, otherwise, 0, FUTURE_MAX * UINT64_C(1000)) / 1000);
}

/* A path below the instance unless it is absolute. */
static char const *
path_setting(char const *name, char const *otherwise)
{
	char const *path = conf_string(name, otherwise);
	return *path == '/' ? path : conf_path(path);
}

/* etc/smtp-tmp; by default run/tmp, or /tmp where that cannot be written. */
static char const *
directory(void)
{
	char const *path = conf_string("smtp-tmp", 0);
	if (path) {
		path = *path == '/' ? path : conf_path(path);
		if (access(path, X_OK) < 0)
			strerr_diefu2sys(100, "use etc/smtp-tmp: ", path);
		return path;
	}
	path = conf_path("run/tmp");
	return access(path, W_OK) < 0 ? "/tmp" : path;
}

static int
repair_newlines(void)
{
	char const *word = conf_string("smtp-bare-newlines", "refuse");
	if (strcmp(word, "refuse") && strcmp(word, "repair"))
		strerr_dief3x(
		    100, "etc/smtp-bare-newlines: neither refuse nor repair: \"", word, "\"");
	return word[2] == 'p';
}

/* What is remembered of clients; one setting each switches it on. */
static void
read_state(struct settings *s)
{
	struct greylist *g = &s->greylist;
	/* Only there do strangers send. */
	if (!strcmp(s->service, "smtp"))
		g->delay = number("smtp-greylist-seconds", 0, 0, 86400);
	if (g->delay) {
		g->window =
		    3600 * number("smtp-greylist-window-hours", GREYLIST_WINDOW_HOURS, 1, 1000);
		g->keep = 86400 * number("smtp-greylist-days", GREYLIST_DAYS, 1, 3650);
		g->file = conf_path("state/greylist");
		greylist_read(g);
	}
	s->rates_count = rate_table(&s->rates);
	if (s->rates_count)
		s->rates_file = conf_path("state/rates");
	if (g->delay || s->rates_count)
		s->state = conf_path("state");
}

static void
read_tarpit(struct settings *s)
{
	s->tarpit_seconds = number("smtp-tarpit-seconds", 0, 0, 300);
	if (!s->tarpit_seconds)
		return;
	s->tarpit_errors = number("smtp-tarpit-errors", TARPIT_ERRORS, 0, 1000000);
	s->tarpit_total = number("smtp-tarpit-total-seconds", TARPIT_TOTAL_SECONDS, 1, 3600);
}

void
settings_read(struct settings *s, int submission, int local)
{
	s->submission = submission;
	s->service = local ? (submission ? "local" : "relay") : submission ? "submission" : "smtp";
	s->milters_count = milter_table(s->service, &s->milters);
	s->me = conf_me();
	s->relayclient = getenv("RELAYCLIENT");
	s->separators = conf_string("subaddress", "+");
	if (!strcmp(s->separators, "none"))
		s->separators = "";
	s->lmtp = path_setting("smtp-lmtp", "run/lmtp/sock");
	s->spool = path_setting("smtp-spool", "run/spool/sock");
	s->callout = path_setting("smtp-callout", "run/callout/sock");
	s->directory = directory();
	s->size_max = conf_size("smtp-size", MESSAGE_BYTES, 1024, UINT64_C(1) << 40);
	s->line_max = (size_t)conf_size("smtp-line", TEXT_LINE_OCTETS, 998, 1 << 30);
	s->recipients_max = number("smtp-recipients", RECIPIENTS, 100, 10000);
	s->binarymime = conf_flag("smtp-binarymime", 0);
	s->hops_max = number("smtp-hops", HOPS, 5, 1000);
	s->errors_max = number("smtp-errors", ERRORS, 1, 1000000);
	s->user_connections = number("smtp-user-connections", USER_CONNECTIONS, 0, LOGIN_SLOTS_MAX);
	s->messages_max = number("smtp-messages", MESSAGES, 1, 1000000);
	s->reply_seconds =
	    number("smtp-reply-seconds", REPLY_SECONDS, 2 * SPOOL_RESERVE_SECONDS, 600);
	s->idle_seconds = number("smtp-idle-seconds", IDLE_SECONDS, 1, 3600);
	s->session_seconds = number("smtp-session-seconds", SESSION_SECONDS, 1, 1000000);
	read_tarpit(s);
	s->repair_newlines = repair_newlines();
	read_state(s);
	s->requiretls = conf_flag("smtp-requiretls", 1);
	s->future_max = seconds("smtp-future-release", "30d");
	s->by_min = seconds("smtp-deliver-by-min", "0");
	door_settings_read(&s->door, s->service, s->milters_count > 0);
	login_networks("smtp-xclient", &s->proxies);
	login_networks("trusted-networks", &s->trusted);
}

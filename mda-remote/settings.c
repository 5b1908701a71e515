#include "mda-remote/settings.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "lib/conf.h"
#include "lib/sa.h"
#include "mda-remote/limits.h"

#define SECOND 1000ull
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)

int
duration_scan(char const *s, uint64_t *ms)
{
	static struct {
		char const *unit;
		uint64_t ms;
	} const units[] = {
	    {"", SECOND}, {"ms", 1}, {"s", SECOND}, {"m", 60 * SECOND}, {"h", HOUR}, {"d", DAY}};
	uint64_t n;
	size_t len = uint64_scan(s, &n);
	if (!len)
		return -1;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (!strcmp(s + len, units[i].unit))
			return __builtin_mul_overflow(n, units[i].ms, ms) ? -1 : 0;
	return -1;
}

uint64_t
settings_duration(char const *name, char const *otherwise, uint64_t min, uint64_t max)
{
	char const *s = conf_string(name, otherwise);
	uint64_t ms = 0;
	if (duration_scan(s, &ms) < 0 || ms < min || ms > max)
		strerr_dief5x(100, "etc/", name, ": bad value \"", s, "\"");
	if (s != otherwise)
		free((void *)(uintptr_t)s);
	return ms;
}

static unsigned int
number(char const *name, unsigned int otherwise, unsigned int max)
{
	return (unsigned int)conf_uint(name, otherwise, 1, max);
}

void
settings_read(struct settings *s)
{
	s->retry_min = settings_duration("retry-min", "5m", 1, 7 * DAY);
	s->retry_max = settings_duration("retry-max", "4h", s->retry_min, 30 * DAY);
	s->host_retry_min = settings_duration("host-retry-min", "1m", 1, 7 * DAY);
	s->host_retry_max = settings_duration("host-retry-max", "1h", s->host_retry_min, 30 * DAY);
	s->delay_notice = settings_duration("delay-notice", "4h", 0, 365 * DAY);
	s->delay_always = conf_flag("delay-notice-always", 0);
	s->lifetime = settings_duration("queue-lifetime", "5d", 0, SETTINGS_LIFETIME_MAX);
	s->double_bounce = conf_flag("double-bounce", 1);
	s->bounce_limit = (unsigned int)conf_uint("bounce-limit", 100, 0, 1000000);
	s->bounce_period = settings_duration("bounce-period", "1h", 1, 30 * DAY);
	s->connections = number("remote-connections", 100, 5000);
	s->per_destination = number("remote-connections-per-destination", 10, 1000);
	s->per_address = number("remote-connections-per-address", 20, 5000);
	s->per_sender = number("remote-messages-per-sender", 50, 100000);
	s->per_connection = number("remote-messages-per-connection", 100, 100000);
	s->per_mail = number("remote-recipients-per-mail", 100, SEND_RCPT_MAX);
	s->active = number("remote-messages-active", 2000, 100000);
	conf_address("postmaster"); /* read anew with each notification */
	s->port = (uint16_t)conf_uint("smtp-port", 25, 1, 65535);
	s->sts = conf_flag("mta-sts", 1);
	s->sts_port = (uint16_t)conf_uint("mta-sts-port", 443, 1, 65535);
}

int
settings_reread(struct settings *s)
{
	struct settings fresh;
	int status = 0, fd[2];
	if (pipe(fd) < 0)
		return -1;
	pid_t pid = fork();
	if (!pid) {
		settings_read(&fresh);
		_exit(write(fd[1], &fresh, sizeof fresh) != sizeof fresh);
	}
	close(fd[1]);
	int whole = read(fd[0], &fresh, sizeof fresh) == sizeof fresh;
	close(fd[0]);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status || !whole)
		return -1;
	*s = fresh;
	return 0;
}

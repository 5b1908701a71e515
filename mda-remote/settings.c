#include "mda-remote/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <skalibs/allreadwrite.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "lib/conf.h"
#include "lib/fnv.h"
#include "lib/sa.h"
#include "mda-remote/limits.h"

#define OTHER 1		       /* the child's verdict: etc/ is another one now */
#define DAY UINT64_C(86400000) /* ms */

static unsigned int
number(char const *name, unsigned int otherwise, unsigned int max)
{
	return (unsigned int)conf_uint(name, otherwise, 1, max);
}

static void
keep(char *to, size_t size, char const *name, char const *s)
{
	int const n = snprintf(to, size, "%s", s ? s : "");
	if (n < 0 || (size_t)n >= size)
		strerr_dief3x(100, "etc/", name, ": too long");
}

static void
read_texts(struct settings *s)
{
	stralloc lines = STRALLOC_ZERO;
	s->resolver = conf_lines("resolver", &lines) ? fnv64(FNV64_BEGIN, lines.s, lines.len) : 0;
	stralloc_free(&lines);
	keep(s->me, sizeof s->me, "me", conf_me());
	keep(s->postmaster, sizeof s->postmaster, "postmaster", conf_address("postmaster"));
	keep(s->resolver_anchor, sizeof s->resolver_anchor, "resolver-anchor",
	    conf_string("resolver-anchor", 0));
	keep(s->tls_ca, sizeof s->tls_ca, "tls-ca", conf_string("tls-ca", 0));
}

void
settings_read(struct settings *s)
{
	s->retry_min = conf_duration("retry-min", "5m", 1, 7 * DAY);
	s->retry_max = conf_duration("retry-max", "4h", s->retry_min, 30 * DAY);
	s->host_retry_min = conf_duration("host-retry-min", "1m", 1, 7 * DAY);
	s->host_retry_max = conf_duration("host-retry-max", "1h", s->host_retry_min, 30 * DAY);
	s->delay_notice = conf_duration("delay-notice", "4h", 0, 365 * DAY);
	s->delay_always = conf_flag("delay-notice-always", 0);
	s->lifetime = conf_duration("queue-lifetime", "5d", 0, SETTINGS_LIFETIME_MAX);
	s->double_bounce = conf_flag("double-bounce", 1);
	s->bounce_limit = (unsigned int)conf_uint("bounce-limit", 100, 0, 1000000);
	s->bounce_period = conf_duration("bounce-period", "1h", 1, 30 * DAY);
	s->connections = number("remote-connections", 100, 5000);
	s->per_destination = number("remote-connections-per-destination", 10, 1000);
	s->per_address = number("remote-connections-per-address", 20, 5000);
	s->per_sender = number("remote-messages-per-sender", 50, 100000);
	s->per_connection = number("remote-messages-per-connection", 100, 100000);
	s->per_mail = number("remote-recipients-per-mail", 100, SEND_RCPT_MAX);
	s->active = number("remote-messages-active", 2000, 100000);
	s->port = (uint16_t)conf_uint("smtp-port", 25, 1, 65535);
	s->timeout = number("remote-timeout", SEND_DOT_SECONDS, 3600);
	s->sts = conf_flag("mta-sts", 1);
	s->sts_port = (uint16_t)conf_uint("mta-sts-port", 443, 1, 65535);
	read_texts(s);
}

/* Which directory etc/ is: 0, or -1 if there is none. */
static int
which(struct stat *st)
{
	char *etc = conf_path("etc");
	int const r = stat(etc, st);
	free(etc);
	return r;
}

/* The child: reads them and hands them over. Never some of one etc/ and some of another that takes
 * its place, nor the defaults of none. */
static void reread(int fd) __attribute__((noreturn));
static void
reread(int fd)
{
	struct settings fresh;
	struct stat before, behind;
	memset(&fresh, 0, sizeof fresh);
	if (which(&before) < 0)
		_exit(OTHER);
	conf_me_is(0);
	settings_read(&fresh);
	if (which(&behind) < 0 || before.st_dev != behind.st_dev || before.st_ino != behind.st_ino)
		_exit(OTHER);
	_exit(allwrite(fd, (char *)&fresh, sizeof fresh) == sizeof fresh ? 0 : 111);
}

int
settings_reread(struct settings *s)
{
	struct settings fresh;
	int status = 0, fd[2];
	if (pipe(fd) < 0)
		return -1;
	pid_t pid = fork();
	if (!pid)
		reread(fd[1]);
	close(fd[1]);
	int whole = allread(fd[0], (char *)&fresh, sizeof fresh) == sizeof fresh;
	close(fd[0]);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	if (status || !whole)
		return WIFEXITED(status) && WEXITSTATUS(status) == OTHER ? -2 : -1;
	*s = fresh;
	conf_me_is(s->me);
	return 0;
}

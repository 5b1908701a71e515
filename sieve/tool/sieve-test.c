/* sieve-test [OPTIONS] SCRIPT MESSAGE: tells what a script would do with a message, and does none
 * of it.
 *
 * Descriptors: 1 the actions, one a line (sieve/tool/show.h); 2 errors, and with -t what is run.
 * MESSAGE "-" is 0. Environment: POSTERN_DIR (settings sieve-*), TZ. Exit: 0; 1 the script ended
 * with an error (the line "error" says which; the message is kept); 100 usage, or a script that
 * does not compile; 111 a file cannot be read for now. Touches: nothing. Privileges: the caller's.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <skalibs/sgetopt.h>
#include <skalibs/strerr.h>

#include "lib/address.h"
#include "lib/date-utc.h"
#include "lib/date.h"
#include "lib/header.h"
#include "lib/sa.h"
#include "sieve/tool/show.h"
#include "sieve/tool/world.h"

#define USAGE                                                                                      \
	"sieve-test [-etw] [-a recipient] [-d separators] [-F folder] [-f sender] [-g directory] " \
	"[-i directory] [-m folder] "                                                              \
	"[-n time] [-s script] [-x extensions] script message"

static struct world world;
static struct sieve_host const host = WORLD_HOST(&world);
static struct sieve_job job = {.host = &host};
static char const *from, *to, *inbox = "INBOX";
static int trace_on, write_on;

static void
trace(void *arg, char const *script, unsigned int line, char const *text)
{
	(void)arg;
	fprintf(stderr, "%s:%u: %s\n", script, line, text);
}

/* The first address of a field, for who gives no envelope. */
static char const *
address_of(struct arena *a, char const *name)
{
	struct header_field f;
	stralloc s = STRALLOC_ZERO;
	if (!header_find(job.message.s, job.message.n, name, &f))
		return "";
	struct address const *const x = address_parse(a, f.body, f.body_len);
	if (x && x->kind == ADDRESS_MAILBOX && !x->broken && x->mailbox && x->host)
		address_spec(&s, x);
	return sa_str(&s);
}

static void
take_message(struct arena *a, char const *file)
{
	static stralloc s;
	int const fd = strcmp(file, "-") ? open(file, O_RDONLY | O_CLOEXEC) : 0;
	ssize_t n = fd < 0 ? -1 : 1;
	while (n > 0) {
		sa_room(&s, 65536);
		n = read(fd, s.s + s.len, 65536);
		s.len += n > 0 ? (size_t)n : 0;
	}
	if (n < 0)
		strerr_diefu2sys(errno == ENOENT ? 100 : 111, "read ", file);
	job.message.s = s.s;
	job.message.n = s.len;
	job.envelope.from = from ? from : address_of(a, "From");
	job.envelope.to = to ? to : address_of(a, "To");
}

static void
option(int c, char const *arg)
{
	/* clang-format off */
	switch (c) {
	case 'a': to = arg; break;
	case 'd': job.separators = arg; break;
	case 'e': world.every = 1; break;
	case 'F': world_folder(&world, arg); break;
	case 'f': from = arg; break;
	case 'g': world.global = arg; break;
	case 'i': world.personal = arg; break;
	case 'm': inbox = arg; break;
	case 'n':
		if (date_utc_parse(arg, &job.now) < 0)
			strerr_dief2x(100, "no time like 2026-11-22T15:04:05Z: ", arg);
		break;
	case 's': world_script(&world, arg); break;
	case 't': trace_on = 1; break;
	case 'w': write_on = 1; break;
	case 'x': job.limits.extensions = arg; break;
	default: strerr_dieusage(100, USAGE);
	}
	/* clang-format on */
}

int
main(int argc, char const **argv)
{
	struct arena a = ARENA_ZERO;
	struct sieve_result r;
	subgetopt o = SUBGETOPT_ZERO;
	PROG = "sieve-test";
	sieve_limits_settings(&job.limits);
	job.now = (int64_t)time(0);
	world.limits = &job.limits;
	world.arena = &a;
	for (int c; (c = subgetopt_r(argc, argv, "a:d:eF:f:g:i:m:n:s:twx:", &o)) >= 0;)
		option(c, o.arg);
	if (argc - o.ind != 2)
		strerr_dieusage(100, USAGE);
	world_script(&world, argv[o.ind]);
	take_message(&a, argv[o.ind + 1]);
	job.zone = date_local_zone(job.now);
	job.charsets = charset_iconv;
	job.trace = trace_on ? trace : 0;
	sieve_run(&r, &a, world.scripts, world.scripts_count, &job);
	show_result(stdout, &r, inbox);
	if (write_on)
		show_message(stdout, &r, &job.message);
	return fflush(stdout) < 0 ? 111 : !!r.error;
}

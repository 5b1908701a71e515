/* mda-remote [-d FD]: walks the spool and has its messages delivered.
 *
 * Descriptors: 2 log lines; FD gets a line when it is ready (s6's readiness notification).
 * Environment: POSTERN_DIR; PATH, in which it finds smtp-send and mda-remote-dns. As root: UID,
 * GID, GIDLIST, or it becomes the spool's owner. Signals: TERM, INT: no new deliveries, ends when
 * those in progress have ended, at the latest after WALK_TERM_SECONDS; ALRM: everything is tried
 * now; HUP: rereads its settings (as it does by itself when a file in etc/ changes). Exit: 0 after
 * TERM, 100 bad setting or usage, 111 temporary (another one walks). Touches: spool/; etc/ through
 * the process that it forks first (errand.h), which starts its children, too. Privileges: the
 * spool's uid; of that, the spool alone. It parses nothing that comes from the network: smtp-send
 * and mda-remote-dns do. Settings: settings.h; limits: limits.h. */
#include "mda-remote/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <skalibs/random.h>
#include <skalibs/selfpipe.h>
#include <skalibs/sgetopt.h>
#include <skalibs/sig.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "lib/conf.h"
#include "lib/date.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "lib/sandbox.h"
#include "lib/secret.h"
#include "mda-remote/changes.h"
#include "mda-remote/clock.h"
#include "mda-remote/errand.h"
#include "mda-remote/limits.h"
#include "mda-remote/spool.h"
#include "mda-remote/sts.h"
#include "mda-remote/tlsrpt.h"

#define FILES_BESIDE 64 /* descriptors for everything else */
#define FIXED 6		/* that are polled beside the connections */

/* The spool, where what is no message is set aside, whatever it is; and the socket in it on which it
 * listens for mailq. No other file, no other socket, no program, no process: what needs those is an
 * errand (errand.h). */
static struct sandbox_path paths[] = {
    {"spool", SANDBOX_READ | SANDBOX_EDIT | SANDBOX_ODD}, {0, 0}};
static struct sandbox const sandbox_policy = {.calls = SANDBOX_FILES | SANDBOX_ACCEPT,
    .paths = paths,
    .file_size = SANDBOX_UNLIMITED,
    .processes = 0};

struct walk walk;

static int64_t now, stop_at = INT64_MAX;
static int64_t sync_at = INT64_MAX;
static rlim_t descriptors; /* that it may have */
static int fd_signals;

int64_t
walk_now(void)
{
	return now;
}

uint32_t
walk_random(void)
{
	uint32_t r;
	random_buf((char *)&r, sizeof r);
	return r;
}

static void
retry_all(void)
{
	dest_wake();
	schedule_all(&walk.schedule, now);
}

static void
tick(void)
{
	int64_t before = now;
	now = clock_now();
	if (now >= before - WALK_CLOCK_MS)
		return;
	/* The clock was set back: what was to be done at a time of before must not wait for it. */
	log_1("clock", "state", "set back");
	retry_all();
	scan_soon();
	sync_at = now;
	if (walk.stopping)
		stop_at = now + WALK_TERM_SECONDS * 1000;
}

/* ---- events ---- */

/* As many as there may be, now that it may still ask for them: settings that are read later may need
 * more. */
static void
take_descriptors(void)
{
	struct rlimit r;
	if (getrlimit(RLIMIT_NOFILE, &r) < 0)
		strerr_diefu1sys(111, "ask how many descriptors there may be");
	descriptors = r.rlim_cur;
	r.rlim_cur = r.rlim_max;
	if (!setrlimit(RLIMIT_NOFILE, &r))
		descriptors = r.rlim_cur;
}

/* A message that is read in and a connection take a descriptor each. */
static void
fit_descriptors(void)
{
	if (descriptors >= walk.set.active + 2 * (rlim_t)walk.set.connections + FILES_BESIDE)
		return;
	/* Fewer at a time, then: none of them may fail for want of one. */
	unsigned int half =
	    (unsigned int)(descriptors > 2 * FILES_BESIDE ? (descriptors - FILES_BESIDE) / 2 : 8);
	if (walk.set.active > half)
		walk.set.active = half;
	if (walk.set.connections > half / 2)
		walk.set.connections = half / 2;
}

static void
reread(void)
{
	known_forget();
	int const r = errand_settings(&walk.set);
	if (r == -2) {
		changes_again();
		return;
	}
	if (r < 0) {
		log_1("settings", "state", "bad, the old ones stay");
		return;
	}
	walk.rereads++;
	fit_descriptors();
	dest_reread();
	resolve_reread();
	sts_reread();
	sessions_forget();
	share_all();
	log_1("settings", "state", "read");
}

static void
signals(void)
{
	for (int c; (c = selfpipe_read()) > 0;)
		switch (c) {
		case SIGCHLD:
			strerr_dief1x(111, "the process that it runs errands by has ended");
		case SIGALRM:
			retry_all();
			break;
		case SIGHUP:
			reread();
			break;
		default:
			if (!walk.stopping)
				stop_at = now + WALK_TERM_SECONDS * 1000;
			walk.stopping = 1;
			log_1("stop", "why", "signal");
		}
}

/* ---- the loop ---- */

static void
earlier(int64_t *when, int64_t t)
{
	if (t < *when)
		*when = t;
}

/* Milliseconds that nothing has to be done. */
static int
pause_for(int scanning)
{
	int64_t when = now + clock_idle_ms;
	if (scanning)
		return 0;
	if (!walk.stopping) {
		earlier(&when, scan_next());
		earlier(&when, share_next());
	}
	if (walk.active < walk.set.active && !walk.stopping)
		earlier(&when, schedule_next(&walk.schedule));
	earlier(&when, sync_at);
	earlier(&when, stop_at);
	return when <= now ? 0 : (int)(when - now);
}

static void
wait_and_read(int scanning)
{
	static struct pollfd *x;
	static unsigned int room;
	if (room < conn_count() + FIXED) {
		room = conn_count() + 64;
		x = xrealloc(x, room, sizeof *x);
	}
	x[0] = (struct pollfd){.fd = fd_signals, .events = POLLIN};
	x[1] = (struct pollfd){.fd = scan_fd(), .events = POLLIN};
	x[2] = (struct pollfd){.fd = resolve_fd(), .events = POLLIN};
	x[3] = (struct pollfd){.fd = changes_fd(), .events = POLLIN};
	x[4] = (struct pollfd){.fd = sts_fd(), .events = POLLIN};
	x[5] = (struct pollfd){.fd = state_fd(), .events = POLLIN};
	unsigned int n = conn_poll(x + FIXED);
	int r = clock_poll(x, n + FIXED, pause_for(scanning), conn_count() || resolve_open());
	if (r < 0 && errno != EINTR)
		strerr_diefu1sys(111, "poll");
	tick();
	if (changes_any(r > 0 && x[3].revents))
		reread();
	if (r <= 0)
		return;
	if (x[0].revents)
		signals();
	if (x[1].revents)
		scan_fifo();
	if (x[2].revents)
		resolve_read();
	if (x[4].revents)
		sts_read();
	if (x[5].revents)
		state_tell();
	conn_read(x + FIXED, n);
}

static void
start(void)
{
	static int const trapped[] = {SIGCHLD, SIGTERM, SIGINT, SIGALRM, SIGHUP};
	sigset_t set;
	tick();
	umask(077);
	spool_become_owner();
	settings_read(&walk.set);
	errand_start();
	take_descriptors();
	fit_descriptors();
	conf_me();
	walk.fd_spool = spool_open();
	if (walk.fd_spool < 0)
		strerr_diefu3sys(111, "open ", conf_dir(), "/spool");
	if (spool_lock(walk.fd_spool) < 1)
		strerr_diefu1sys(111, "lock the spool: another mda-remote walks it");
	sig_ignore(SIGPIPE);
	fd_signals = selfpipe_init();
	sigemptyset(&set);
	for (size_t i = 0; i < sizeof trapped / sizeof *trapped; i++)
		sigaddset(&set, trapped[i]);
	if (fd_signals < 0 || selfpipe_trapset(&set) < 0)
		strerr_diefu1sys(111, "trap signals");
	changes_start();
	schedule_init(&walk.schedule);
	digest_start();
	bounce_recover();
	resolve_start();
	sts_start();
	tlsrpt_start();
	scan_start();
	state_start();
	date_local_zone(0); /* reads /etc/localtime */
	paths[0].path = conf_path("spool");
	sandbox_enter(&sandbox_policy);
}

/* What is due is started and what was marked is synced. 1 while the spool is being looked through.
 */
static int
work(void)
{
	int scanning = walk.stopping ? 0 : scan_step();
	active_start(scanning);
	resolve_check();
	sts_check();
	conn_check();
	tlsrpt_flush(0);
	share_start();
	digest_tick();
	if (!active_unsynced())
		sync_at = INT64_MAX;
	else if (sync_at == INT64_MAX)
		sync_at = now + WALK_SYNC_MS;
	else if (now >= sync_at) {
		active_sync();
		sync_at = INT64_MAX;
	}
	return scanning;
}

/* The descriptor of -d, or -1. */
static int
options(int argc, char const *const *argv)
{
	subgetopt l = SUBGETOPT_ZERO;
	unsigned int fd = 0;
	int given = 0;
	for (int c; (c = subgetopt_r(argc, argv, "d:", &l)) >= 0; given = 1)
		if (c != 'd' || !uint0_scan(l.arg, &fd) || fd > INT_MAX ||
		    fcntl((int)fd, F_GETFD) < 0)
			strerr_dieusage(100, "mda-remote [-d fd]");
	if (l.ind < argc)
		strerr_dieusage(100, "mda-remote [-d fd]");
	return given ? (int)fd : -1;
}

static void
ready(int fd)
{
	log_1("start", "me", conf_me());
	if (fd < 0)
		return;
	if (write(fd, "\n", 1) < 0)
		log_1("error", "what", "readiness");
	close(fd);
}

int
main(int argc, char **argv)
{
	PROG = "mda-remote";
	secret_no_core();
	int fd_ready = options(argc, (char const *const *)argv);
	sandbox_close_but(&fd_ready, 1);
	start();
	ready(fd_ready);
	while (!walk.stopping || (conn_count() && now < stop_at)) {
		int scanning = work();
		wait_and_read(scanning);
	}
	conn_stop();
	active_sync();
	tlsrpt_flush(1);
	log_1("end", "why", "stopped");
	return 0;
}

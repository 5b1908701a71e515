/* ucspitlsd [-S|-s] [-J|-j] [-Y|-y] [-v level] [-K ms] [-k snilevel] [-Z|-z] prog...: gives a
 * server program the means to start TLS when its client asks for it (STARTTLS, STLS), as
 * s6-ucspitlsd does.
 *
 * Descriptors: 0 and 1 the network, which prog gets as it is; in SSLCTLFD, SSLREADFD and SSLWRITEFD
 * prog finds those of UCSPI-TLS (lib/ucspitls.h is the other side). Environment: see
 * man/ucspitlsd.8. With TLS_ENGINE, SSLCTLFD is a connection to the key holder, which holds the
 * descriptors until a command comes on it: no process is made before. Without, a forked child waits
 * for the command and becomes the engine.
 * Exit: prog's; 100 usage, 111 system. The child: 0 no TLS wanted, 100 bad command, or the
 * engine's. Touches no file itself, links no OpenSSL, runs as whoever starts it. */
#include <errno.h>
#include <skalibs/socket.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "bin/ucspitls-launch.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "lib/skalibs-compat.h"

#define USAGE                                                                                      \
	"ucspitlsd [ -S | -s ] [ -J | -j ] [ -Y | -y ] [ -v level ] [ -K ms ] [ -k snilevel ] "    \
	"[ -Z | -z ] prog..."

/* The child: waits for the application's command. */
static void wait_for_command(struct launch const *l, struct tls_pipes const *p, int fd)
    __attribute__((noreturn));
static void
wait_for_command(struct launch const *l, struct tls_pipes const *p, int fd)
{
	char command;
	ssize_t r;
	/* The application's ends must be the application's alone, or neither side sees the other
	 * go. */
	close(p->app_read);
	close(p->app_write);
	do
		r = read(fd, &command, 1);
	while (r < 0 && errno == EINTR);
	log_id(l->request.id);
	if (r <= 0) {
		if (l->request.verbosity >= 2)
			log_1("declined", "ip", l->request.ip);
		_exit(0);
	}
	if (command != 'Y' && command != 'y')
		strerr_dief1x(100, "unrecognized command from the application");
	launch_engine(l, p->from_app, p->to_app, command == 'Y' ? fd : -1);
}

/* The control socket of a waiting child of ours. */
static int
fork_engine(struct launch const *l, struct tls_pipes const *p)
{
	int sv[2];
	if (ipc_pair_coe(sv) < 0)
		strerr_diefu1sys(111, "make a socket pair");
	pid_t pid = fork();
	if (pid < 0)
		strerr_diefu1sys(111, "fork");
	if (!pid) {
		close(sv[0]);
		wait_for_command(l, p, sv[1]);
	}
	close(sv[1]);
	return sv[0];
}

static void
pass_on(char const *name, int fd)
{
	char fmt[UINT_FMT + 1];
	fmt[uint_fmt(fmt, (unsigned int)fd)] = 0;
	if (uncoe(fd) < 0)
		strerr_diefu1sys(111, "pass descriptors on");
	if (setenv(name, fmt, 1) < 0)
		sa_nomem();
}

int
main(int argc, char **argv)
{
	struct launch l;
	struct tls_pipes p;
	PROG = "ucspitlsd";
	int prog = launch_options(&l, argc, argv, USAGE);
	launch_pipes(&p);
	int ctl = l.holder ? launch_hand_over(&l, 0, p.from_app, p.to_app) : fork_engine(&l, &p);
	pass_on("SSLCTLFD", ctl);
	pass_on("SSLREADFD", p.app_read);
	pass_on("SSLWRITEFD", p.app_write);
	launch_app(&l, argv + prog);
}

/* tlsd [-S|-s] [-J|-j] [-Y|-y] [-v level] [-K ms] [-k snilevel] [-Z|-z] prog...: TLS around a
 * server program from its first byte on, as s6-tlsd does.
 *
 * Descriptors: 0 and 1 the network; prog gets two pipes there with the plaintext. Environment: see
 * man/tlsd.8; prog gets SSL_PROTOCOL, SSL_CIPHER and five more, and POSTERN_ID. With TLS_ENGINE,
 * the key holder at that socket makes the handshake; without, an engine is executed as a child.
 * Exit: prog's; without prog having started 96 key or certificate, 97 handshake, 98 engine or
 * timeout, 100 usage, 111 system, 128+n the engine died by signal n.
 * Touches no file itself, links no OpenSSL, runs as whoever starts it. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <skalibs/env.h>
#include <skalibs/iopause.h>
#include <skalibs/strerr.h>
#include <skalibs/tai.h>

#include "bin/ucspitls-launch.h"
#include "lib/sa.h"
#include "lib/skalibs-compat.h"
#include "lib/ucspitls.h"

#define USAGE                                                                                      \
	"tlsd [ -S | -s ] [ -J | -j ] [ -Y | -y ] [ -v level ] [ -K ms ] [ -k snilevel ] "         \
	"[ -Z | -z ] prog..."

/* The engine keeps the handshake's deadline; this is for an engine that is not alive to keep it. */
#define GRACE_MS 5000

/* Reads to the end of file: the length, at most TLS_REPLY_MAX; exits 98 at the deadline. */
static size_t
read_reply(int fd, char reply[static TLS_REPLY_MAX], unsigned int timeout_ms)
{
	size_t len = 0;
	tain deadline;
	tain_now_set_stopwatch_g();
	tain_from_millisecs(&deadline, (int)(timeout_ms + GRACE_MS));
	tain_add_g(&deadline, &deadline);
	while (len < TLS_REPLY_MAX) {
		iopause_fd x = {.fd = fd, .events = IOPAUSE_READ};
		int ready = iopause_g(&x, 1, &deadline);
		if (!ready)
			strerr_dief1x(TLS_EXIT_ENGINE, "no answer from the TLS engine");
		ssize_t r = ready > 0 ? read(fd, reply + len, TLS_REPLY_MAX - len) : -1;
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			break;
		len += (size_t)r;
	}
	close(fd);
	return len;
}

/* An engine as our child; it stays the child of the application. */
static size_t
run_engine(struct launch const *l, struct tls_pipes const *p, char *reply)
{
	int notify[2], status;
	if (pipe2(notify, O_CLOEXEC) < 0)
		strerr_diefu1sys(111, "make a pipe");
	pid_t pid = fork();
	if (pid < 0)
		strerr_diefu1sys(111, "fork");
	if (!pid)
		launch_engine(l, p->from_app, p->to_app, notify[1]);
	close(notify[1]);
	size_t len = read_reply(notify[0], reply, l->request.timeout_ms);
	if (!len) {
		while (waitpid(pid, &status, 0) < 0)
			if (errno != EINTR)
				strerr_diefu1sys(111, "wait for the TLS engine");
		_exit(wait_estatus(status) ? wait_estatus(status) : TLS_EXIT_ENGINE);
	}
	return len;
}

static size_t
ask_holder(struct launch const *l, struct tls_pipes const *p, char *reply)
{
	int fd = launch_hand_over(l, 1, p->from_app, p->to_app);
	size_t len = read_reply(fd, reply, l->request.timeout_ms);
	if (len == 2 && reply[0] == TLS_FAILED_MARK)
		_exit((unsigned char)reply[1]);
	if (!len)
		strerr_dief1x(TLS_EXIT_SYSTEM, "the key holder ended the connection");
	return len;
}

int
main(int argc, char **argv)
{
	struct launch l;
	struct tls_pipes p;
	char reply[TLS_REPLY_MAX];
	PROG = "tlsd";
	int prog = launch_options(&l, argc, argv, USAGE);
	launch_pipes(&p);
	size_t len = l.holder ? ask_holder(&l, &p, reply) : run_engine(&l, &p, reply);
	/* Two NULs end it, or one where the whole reply is two. */
	if (len < 2 || reply[len - 1] || ucspitls_setenv(reply, len == 2 ? 0 : len - 1) < 0)
		strerr_dief1x(TLS_EXIT_SYSTEM, "bad reply from the TLS engine");
	if (fd_move(0, p.app_read) < 0 || fd_move(1, p.app_write) < 0)
		strerr_diefu1sys(111, "move descriptors");
	launch_app(&l, argv + prog);
}

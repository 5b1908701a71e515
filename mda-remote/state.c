/* What mailq is told of what only the walker knows: over the socket spool/state, a file in memory,
 * so that the walker never waits for a reader. Its lines: queue-state.c. */
#include "mda-remote/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <skalibs/strerr.h>

#include "lib/durable.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "mda-remote/link.h"

#define BACKLOG 16

static int fd_listen = -1;

/* Below the spool, however long its name is: a socket's address is short. */
static int
bind_there(int fd)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "state"};
	int fd_here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = -1;
	unlinkat(walk.fd_spool, "state", 0);
	if (!fchdir(walk.fd_spool))
		r = bind(fd, (struct sockaddr *)&a, sizeof a);
	if (fd_here < 0 ? chdir("/") < 0 : fchdir(fd_here) < 0)
		strerr_diefu1sys(111, "go back from spool/");
	if (fd_here >= 0)
		close(fd_here);
	return r;
}

void
state_start(void)
{
	fd_listen = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd_listen < 0 || bind_there(fd_listen) < 0 || listen(fd_listen, BACKLOG) < 0)
		strerr_diefu1sys(111, "listen on spool/state");
}

int
state_fd(void)
{
	return fd_listen;
}

static void
tell(void *arg, struct dest const *d)
{
	int rests = dest_rests(d);
	sa_catf(arg, "d %zu %u %u %u %lld %u %d %s\n", d->lane.count + d->waiting,
	    d->admitted - d->waiting, d->connections, share_window(d),
	    rests ? (long long)(d->rests_until / 1000) : 0LL, d->failures, d->resolving, d->key);
	if (d->last && (rests || d->failures))
		sa_catf(arg, "l %s\n", d->last);
}

static void
tell_sent(void *arg, char const *name)
{
	sa_catf(arg, "m %s\n", name);
}

void
state_tell(void)
{
	stralloc text = STRALLOC_ZERO;
	int fd = accept4(fd_listen, 0, 0, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	sa_catf(&text, "t %lld %zu %u %u\n", (long long)(walk_now() / 1000), walk.schedule.count,
	    walk.active, conn_count());
	dest_each(tell, &text);
	conn_each(tell_sent, &text);
	int fd_text = memfd_create("state", MFD_CLOEXEC);
	if (fd_text < 0 || durable_write(fd_text, text.s, text.len) < 0 ||
	    link_send(fd, "s", 1, fd_text) < 0)
		log_1("error", "what", "tell mailq the state");
	if (fd_text >= 0)
		close(fd_text);
	close(fd);
	stralloc_free(&text);
}

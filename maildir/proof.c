#include "maildir/proof.h"

#include <limits.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "lib/sa.h"

#define EVENTS (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF)
/* The kernel queues 16,384 and then drops. */
#define DRAIN_AT 4096

int
proof_begin(struct proof *p, char const *dir, char const *sub)
{
	stralloc path = STRALLOC_ZERO;
	*p = (struct proof)PROOF_ZERO;
	p->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (p->fd < 0)
		return -1;
	sa_catf(&path, "%s/%s", dir, sub);
	if (inotify_add_watch(p->fd, sa_str(&path), EVENTS) < 0)
		proof_end(p);
	stralloc_free(&path);
	return p->fd < 0 ? -1 : 0;
}

static void
drain(struct proof *p)
{
	char buf[16384] __attribute__((aligned(8)));
	ssize_t n;
	while ((n = read(p->fd, buf, sizeof buf)) > 0)
		for (ssize_t at = 0; at < n;) {
			struct inotify_event e;
			memcpy(&e, buf + at, sizeof e);
			p->broken |= !!(e.mask & (IN_Q_OVERFLOW | IN_IGNORED | IN_DELETE_SELF |
						     IN_MOVE_SELF | IN_UNMOUNT));
			p->seen++;
			at += (ssize_t)sizeof e + (ssize_t)e.len;
		}
}

void
proof_expect(struct proof *p, unsigned int events)
{
	p->expected += events;
	if (p->expected - p->seen >= DRAIN_AT)
		drain(p);
}

int
proof_holds(struct proof *p)
{
	if (p->fd < 0)
		return 0;
	drain(p);
	return !p->broken && p->seen == p->expected;
}

void
proof_end(struct proof *p)
{
	if (p->fd >= 0)
		close(p->fd);
	*p = (struct proof)PROOF_ZERO;
}

#include <sys/stat.h>

#include "maildir/filesystem.h"
#include "maildir/folder-state.h"

/* Clocks of file systems that keep whole seconds only, and of other hosts, are met with room to
 * spare. */
#define SECOND_NS 1100000000LL
#define HOSTS_NS 10000000000LL
/* Changes of our own are adopted; what others did in the same instant is noticed so much later. */
#define ADOPTED_MS 2000

static long long
now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000 + 1;
}

/* Could a change after this moment leave the stamp as it is? The coarse clock is what the kernel
 * stamps with. */
static int
is_racy(struct timespec const *mtime, int network)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	long long age =
	    (long long)(now.tv_sec - mtime->tv_sec) * 1000000000LL + (now.tv_nsec - mtime->tv_nsec);
	if (network)
		return age < HOSTS_NS;
	return age <= 0 || (!mtime->tv_nsec && age < SECOND_NS);
}

void
stamp_take(struct stamp *s, int fd)
{
	struct stat st;
	int network = filesystem_network(fd);
	*s = (struct stamp){{0, 0}, 0, 1, 0};
	if (network)
		filesystem_refresh_fd(fd);
	if (fstat(fd, &st) < 0)
		return;
	s->mtime = st.st_mtim;
	s->ino = st.st_ino;
	/* The clock is read after the stamp: what changes later is stamped with this time or a
	 * later one.
	 */
	s->racy = is_racy(&s->mtime, network);
}

int
stamp_same(struct stamp const *a, struct stamp const *b)
{
	return a->ino == b->ino && a->mtime.tv_sec == b->mtime.tv_sec &&
	       a->mtime.tv_nsec == b->mtime.tv_nsec;
}

int
stamp_due(struct stamp const *s, int fd)
{
	struct stamp now;
	if (s->racy)
		return 1;
	stamp_take(&now, fd);
	return !stamp_same(s, &now) || (s->adopted && now_ms() - s->adopted > ADOPTED_MS);
}

void
stamp_adopt(struct stamp *s, int fd)
{
	long long since = s->adopted ? s->adopted : now_ms();
	stamp_take(s, fd);
	s->racy = 0;
	s->adopted = since;
}

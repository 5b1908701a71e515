#include <sys/stat.h>

#include "maildir/folder-state.h"

/* A clock's tick, with room to spare; and for file systems that keep whole seconds only. */
#define TICK_NS 20000000LL
#define SECOND_NS 1100000000LL
/* Changes of our own are adopted; what others did in the same instant is noticed so much later. */
#define ADOPTED_MS 2000

static long long
now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000 + 1;
}

/* The stamp alone; racy if the clock has not moved on far enough. */
void
stamp_take(struct stamp *s, int fd)
{
	struct stat st;
	struct timespec now;
	*s = (struct stamp){{0, 0}, 0, 1, 0};
	clock_gettime(CLOCK_REALTIME, &now);
	if (fstat(fd, &st) < 0)
		return;
	s->mtime = st.st_mtim;
	s->ino = st.st_ino;
	long long age = (long long)(now.tv_sec - s->mtime.tv_sec) * 1000000000LL +
			(now.tv_nsec - s->mtime.tv_nsec);
	s->racy = age < (s->mtime.tv_nsec ? TICK_NS : SECOND_NS);
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

int
stamp_begin(struct stamp const *s, int fd)
{
	struct stamp now;
	if (s->racy && !s->adopted)
		return 0;
	stamp_take(&now, fd);
	return stamp_same(s, &now);
}

void
stamp_end(struct stamp *s, int fd, int ours)
{
	if (!ours)
		return;
	long long since = s->adopted ? s->adopted : now_ms();
	stamp_take(s, fd);
	s->racy = 0;
	s->adopted = since;
}

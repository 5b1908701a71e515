#include "mda-remote/changes.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/conf.h"
#include "lib/sa.h"
#include "mda-remote/errand.h"
#include "mda-remote/walk.h"

#define LOOK_MS 1000
#define GONE (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT)
#define EVENTS                                                                                     \
	(IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF |   \
	    IN_MOVE_SELF)

static int fd = -1;
static uint64_t seen; /* what etc/ looked like */
static int64_t look_at;

/* The watch comes first: what changes behind the look is in its events. */
static uint64_t
watch_and_look(void)
{
	char *etc = conf_path("etc");
	if (fd >= 0)
		close(fd);
	fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (fd >= 0 && inotify_add_watch(fd, etc, EVENTS) < 0) {
		close(fd);
		fd = -1;
	}
	free(etc);
	return errand_stamp();
}

static void
saw(uint64_t now)
{
	seen = now;
	look_at = walk_now() + (fd < 0 ? LOOK_MS : CHANGES_MS);
}

void
changes_start(void)
{
	saw(watch_and_look());
}

void
changes_again(void)
{
	seen = 0;
	look_at = 0;
}

int
changes_fd(void)
{
	return fd;
}

/* A file that was made empty is still to be written; a link is whole at once. */
static int
matters(struct inotify_event const *e)
{
	struct stat st;
	if (!(e->mask & IN_CREATE) || !e->len)
		return !(e->mask & GONE);
	stralloc path = STRALLOC_ZERO;
	sa_catf(&path, "%s/etc/%s", conf_dir(), e->name);
	int const r = !stat(sa_str(&path), &st) && (st.st_size || st.st_nlink > 1);
	stralloc_free(&path);
	return r;
}

/* 1 if one of the events matters. *gone: what is watched is etc/ no more. */
static int
read_events(int *gone)
{
	union {
		struct inotify_event align;
		char s[8192];
	} buf;
	int any = 0;
	for (ssize_t n; (n = read(fd, buf.s, sizeof buf)) > 0;)
		for (char const *p = buf.s; p < buf.s + n;) {
			struct inotify_event const *e = (void const *)p;
			any |= matters(e);
			*gone |= (e->mask & GONE) != 0;
			p += sizeof *e + e->len;
		}
	return any;
}

int
changes_any(int readable)
{
	int gone = 0, any = fd >= 0 && readable && read_events(&gone);
	int const due = walk_now() >= look_at || look_at - walk_now() > CHANGES_MS;
	if (!any && !gone && !due)
		return 0;
	uint64_t now = fd < 0 || gone ? watch_and_look() : errand_stamp();
	if (!any && now != seen)
		now = watch_and_look(); /* nothing told of it: perhaps it is another etc/ */
	/* Where there is none what was read stays: nothing would be set. */
	any = now && (any || now != seen);
	saw(now ? now : seen);
	return any;
}

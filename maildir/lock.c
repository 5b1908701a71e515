#include "maildir/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/durable.h"
#include "lib/linux-compat.h"
#include "maildir/filesystem.h"
#include "maildir/layout.h"
#include "maildir/limits.h"

#define FOLDER_LOCK "dovecot-uidlist.lock"

/* What the folder's lock guards; every other lock guards the file of its own name. */
static char const *const guarded[] = {"dovecot-uidlist", "dovecot-keywords", "postern-keywords",
    "postern-index", "postern-index.log", "postern-text"};

static char const *
host(void)
{
	static char self[256];
	if (!self[0] && gethostname(self, sizeof self - 1) < 0)
		strcpy(self, "localhost");
	return self;
}

/* 1 if fd is the file of this name. fd is open, so no later file has its inode. */
static int
is_file(int fd, int fd_dir, char const *name)
{
	struct stat a, b;
	return !fstat(fd, &a) && !fstatat(fd_dir, name, &b, AT_SYMLINK_NOFOLLOW) &&
	       a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

/* The holder's name into its lock. 0, or -1. */
static int
sign(int fd)
{
	char text[300];
	int n = snprintf(text, sizeof text, "%ld:%s", (long)getpid(), host());
	if (durable_write(fd, text, (size_t)n) < 0)
		return -1;
	/* On a network file system every close of a file lets other hosts see its content. */
	int again = dup(fd);
	if (again >= 0)
		close(again);
	return 0;
}

/* The holder works on what the last one left, be that one on another host. */
static void
refresh(int fd_dir, char const *name)
{
	char own[64];
	if (!filesystem_network(fd_dir))
		return;
	if (!strcmp(name, FOLDER_LOCK)) {
		for (size_t i = 0; i < sizeof guarded / sizeof *guarded; i++)
			filesystem_refresh(fd_dir, guarded[i]);
	} else if ((size_t)snprintf(own, sizeof own, "%.*s", (int)(strlen(name) - 5), name) <
		   sizeof own)
		filesystem_refresh(fd_dir, own);
}

/* 0, or -1: EEXIST another holds it. */
static int
try_take(struct lock *l, int fd_dir, char const *name)
{
	int fd = layout_create(fd_dir, name, O_RDWR | O_EXCL), e = 0;
	if (fd < 0)
		return -1;
	/* Whoever is about to judge it stale holds the flock (see break_stale); from here on,
	 * nobody who can see that this process lives takes it away. */
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		e = errno == EWOULDBLOCK ? EEXIST : 0;
	if (!e && sign(fd) < 0)
		e = errno;
	/* Stopped for long between these steps, we have lost it. */
	if (!is_file(fd, fd_dir, name))
		e = EEXIST;
	else if (e && e != EEXIST)
		unlinkat(fd_dir, name, 0);
	if (e) {
		close(fd);
		errno = e;
		return -1;
	}
	*l = (struct lock){fd_dir, fd, time(0), name};
	refresh(fd_dir, name);
	return 0;
}

/* A process that has ended is no more, though its parent has not waited for it yet. */
static int
process_gone(pid_t pid)
{
	struct pollfd p = {pidfd_open(pid, 0), POLLIN, 0};
	if (p.fd < 0)
		return kill(pid, 0) < 0 && errno == ESRCH;
	int gone = poll(&p, 1, 0) > 0;
	close(p.fd);
	return gone;
}

/* 1 if the process named in the lock, if it is one of this host, is no more. */
static int
owner_dead(char const *text)
{
	char *end;
	long pid = strtol(text, &end, 10);
	if (pid <= 0 || *end != ':' || strcmp(end + 1, host()))
		return 0;
	/* A lock that bears our pid is a dead one's, unless we hold its flock. */
	if (pid == (long)getpid())
		return 1;
	return process_gone((pid_t)pid);
}

/* The descriptor of a lock that is stale, or -1. */
static int
stale_lock(int fd_dir, char const *name)
{
	char text[300];
	struct stat st;
	int fd = openat(fd_dir, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -1;
	ssize_t n = fstat(fd, &st) < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (n >= 0) {
		/* An empty one is of a process killed before it could write its name. */
		time_t age = time(0) - st.st_mtime;
		text[n] = 0;
		if (owner_dead(text) || age > (n ? MAILDIR_LOCK_STALE : MAILDIR_LOCK_EMPTY))
			return fd;
	}
	close(fd);
	return -1;
}

/* Takes a stale lock away. Several waiters may have judged it; the second must not remove the fresh
 * lock of the first. So each locks the judged file itself, and removes the name only if it still
 * leads there. A holder of our kind that lives, whatever its pid means here, holds that flock. 1 if
 * it was taken away. */
static int
break_stale(int fd_dir, char const *name, int fd_judged)
{
	/* Where a network file system has no flock, its time and its pid must do. */
	if (flock(fd_judged, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		return 0;
	if (filesystem_network(fd_dir))
		filesystem_refresh(fd_dir, name);
	return is_file(fd_judged, fd_dir, name) && !unlinkat(fd_dir, name, 0);
}

int
lock_stale(int fd_dir, char const *name)
{
	int fd = stale_lock(fd_dir, name);
	if (fd < 0)
		return 0;
	int held = flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
	close(fd);
	return !held;
}

static long long
now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int
lock_take(struct lock *l, int fd_dir, unsigned int seconds)
{
	return lock_take_named(l, fd_dir, FOLDER_LOCK, seconds);
}

int
lock_take_named(struct lock *l, int fd_dir, char const *name, unsigned int seconds)
{
	long long deadline = now_ms() + (long long)seconds * 1000;
	long pause_us = 500;
	l->fd_dir = l->fd = -1;
	for (;;) {
		if (!try_take(l, fd_dir, name))
			return 0;
		if (errno != EEXIST)
			return -1;
		int fd_stale = stale_lock(fd_dir, name), broken = 0;
		if (fd_stale >= 0) {
			broken = break_stale(fd_dir, name, fd_stale);
			close(fd_stale);
		}
		if (broken)
			continue;
		if (now_ms() >= deadline) {
			errno = ETIMEDOUT;
			return -1;
		}
		struct timespec t = {0, pause_us * 1000};
		nanosleep(&t, 0);
		if (pause_us < 40000)
			pause_us *= 2;
	}
}

int
lock_touch(struct lock *l)
{
	if (time(0) - l->touched < MAILDIR_LOCK_TOUCH / 2)
		return 0;
	if (!is_file(l->fd, l->fd_dir, l->name)) {
		errno = ESTALE;
		return -1;
	}
	l->touched = time(0);
	return utimensat(l->fd_dir, l->name, 0, 0);
}

void
lock_release(struct lock *l)
{
	if (l->fd_dir < 0)
		return;
	int e = errno;
	if (is_file(l->fd, l->fd_dir, l->name))
		unlinkat(l->fd_dir, l->name, 0);
	close(l->fd);
	l->fd_dir = l->fd = -1;
	errno = e;
}

int
lock_busy(int fd_dir)
{
	struct stat st;
	return !fstatat(fd_dir, FOLDER_LOCK, &st, AT_SYMLINK_NOFOLLOW) &&
	       !lock_stale(fd_dir, FOLDER_LOCK);
}

/* The names in a directory, a buffer at a time. That is the work of the kernel nearly alone, and
 * for a hundred thousand names many milliseconds of it: the latter part of a large directory is
 * read by a thread meanwhile. */
#ifndef POSTERN_MAILDIR_LISTING_H
#define POSTERN_MAILDIR_LISTING_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* As the kernel gives it (getdents64(2)), but for `own`: where the next one is, until it becomes
 * what the caller's function makes of it. */
struct listing_entry {
	uint64_t ino;
	uint64_t own;
	uint16_t len; /* to the next one */
	uint8_t type;
	char name[];
};

struct listing_block {
	struct listing_block *next;
	ssize_t len; /* 0: the end */
	char s[];
};

/* Looks at entries s[0..n) as soon as they are read, and may fill in `own`. The thread calls it,
 * too: it has nothing but its arguments. */
typedef void listing_fn(char *s, ssize_t n);

struct listing {
	int fd;
	off_t size; /* of the directory, as its file system counts it */
	listing_fn *fn;
	struct listing_block *block;
	int in_rest; /* what comes next is of the latter part */
	/* the latter part, which the thread reads */
	int fd_rest;
	char *area; /* for its blocks; null: there is none */
	size_t area_size, area_len;
	int threaded; /* there is a thread */
	pthread_t thread;
	pthread_mutex_t lock;		   /* of what follows */
	pthread_cond_t more;		   /* something of it has changed */
	struct listing_block *rest, *last; /* read, and not given out yet */
	int ended;			   /* nothing more is read */
	int error;			   /* that ended it */
	int left;			   /* nobody wants more */
};

/* Opens the directory `sub`; local: a file system of this host (maildir/filesystem.h), whose places
 * in a directory are in one order. fn: null, or called for all entries. 0, or -1: errno. */
int listing_begin(struct listing *l, int fd_dir, char const *sub, int local, listing_fn *fn);
/* The next entries: *s, good until the next call, of so many octets; 0: that was all; -1: errno.
 * Each name once, but for those that are renamed meanwhile, which may come twice or not at all. */
ssize_t listing_next(struct listing *l, char const **s);
void listing_end(struct listing *l);

#endif

/* The names in a directory, a buffer at a time. That is the work of the kernel nearly alone, and
 * for a hundred thousand names many milliseconds of it: the latter part of a large directory is
 * read by a thread meanwhile. */
#ifndef POSTERN_MAILDIR_LISTING_H
#define POSTERN_MAILDIR_LISTING_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* As the kernel gives it (getdents64(2)). */
struct listing_entry {
	uint64_t ino;
	int64_t off;
	uint16_t len; /* to the next one */
	uint8_t type;
	char name[];
};

struct listing_block {
	struct listing_block *next;
	ssize_t len; /* 0: the end */
	char s[];
};

struct listing {
	int fd;
	off_t size; /* of the directory, as its file system counts it */
	struct listing_block *block;
	int in_rest; /* what comes next is of the latter part */
	/* the latter part, which the thread reads */
	int fd_rest;
	struct listing_block *rest; /* null: there is none, or no more */
	pthread_t thread;
	int joined;
	int error; /* that ended it */
};

/* Opens the directory `sub`; local: a file system of this host (maildir/filesystem.h), whose places
 * in a directory are in one order. 0, or -1: errno. */
int listing_begin(struct listing *l, int fd_dir, char const *sub, int local);
/* The next entries: *s, good until the next call, of so many octets; 0: that was all; -1: errno.
 * Each name once, but for those that are renamed meanwhile, which may come twice or not at all. */
ssize_t listing_next(struct listing *l, char const **s);
void listing_end(struct listing *l);

#endif

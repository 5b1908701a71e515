#include "maildir/listing.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BLOCK 262144  /* octets, with the head */
#define LARGE 1048576 /* octets of a directory from which on two read it */
/* Where the latter part begins, of the 2^63 places that a directory of ext4 has by the hashes of
 * the names. Who reads the former works on the names as well, so that it is the smaller one. */
#define SPLIT ((off_t)0x3333333300000000)

/* Pages of its own: they are many, and the system is to have them back. Null: errno. */
static struct listing_block *
block_new(void)
{
	void *p = mmap(0, BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return p == MAP_FAILED ? 0 : p;
}

static void
block_free(struct listing_block *b)
{
	if (b)
		munmap(b, BLOCK);
}

static ssize_t
block_read(struct listing_block *b, int fd)
{
	b->len = syscall(SYS_getdents64, fd, b->s, BLOCK - sizeof *b);
	/* ENOENT: the directory was removed. */
	if (b->len < 0 && errno == ENOENT)
		b->len = 0;
	return b->len;
}

static void *
read_rest(void *arg)
{
	struct listing *l = arg;
	for (struct listing_block *b = l->rest; b->len; b = b->next)
		if (!(b->next = block_new()) || block_read(b->next, l->fd_rest) < 0) {
			l->error = errno;
			break;
		}
	return 0;
}

static int
start_thread(struct listing *l)
{
	sigset_t all, was;
	sigfillset(&all);
	/* Signals are the session's. */
	pthread_sigmask(SIG_SETMASK, &all, &was);
	int r = pthread_create(&l->thread, 0, read_rest, l);
	pthread_sigmask(SIG_SETMASK, &was, 0);
	return r ? -1 : 0;
}

/* Where a directory cannot be entered at any place, or there is nothing behind this one, all is
 * read in one go. */
static void
begin_rest(struct listing *l, int fd_dir, char const *sub)
{
	l->fd_rest = openat(fd_dir, sub, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	l->rest = l->fd_rest < 0 || lseek(l->fd_rest, SPLIT, SEEK_SET) < 0 ? 0 : block_new();
	if (!l->rest || (block_read(l->rest, l->fd_rest) > 0 && !start_thread(l)))
		return;
	block_free(l->rest);
	l->rest = 0;
}

int
listing_begin(struct listing *l, int fd_dir, char const *sub, int local)
{
	struct stat st;
	*l = (struct listing){.fd_rest = -1};
	l->fd = openat(fd_dir, sub, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (l->fd < 0 || fstat(l->fd, &st) < 0 || !(l->block = block_new())) {
		int e = errno;
		listing_end(l);
		errno = e;
		return -1;
	}
	l->size = st.st_size;
	if (local && st.st_size >= LARGE)
		begin_rest(l, fd_dir, sub);
	return 0;
}

/* How much of the block comes before the latter part, which begins with the name that was read
 * there first. Should that one be renamed it is not met, and all is read here: late, but whole. */
static ssize_t
before_rest(struct listing *l)
{
	struct listing_entry const *first = (void const *)l->rest->s, *e;
	ssize_t at = 0;
	for (; at < l->block->len; at += e->len) {
		e = (void const *)(l->block->s + at);
		l->in_rest = e->ino == first->ino && !strcmp(e->name, first->name);
		if (l->in_rest)
			break;
	}
	return at;
}

static void
join(struct listing *l)
{
	if (!l->joined && l->rest)
		pthread_join(l->thread, 0);
	l->joined = 1;
}

/* The first block of the rest, which becomes the one that is given out. */
static ssize_t
next_of_rest(struct listing *l)
{
	join(l);
	if (!l->rest) {
		errno = l->error; /* there was no memory for a block behind the last */
		return -1;
	}
	block_free(l->block);
	l->block = l->rest;
	l->rest = l->block->next;
	errno = l->error; /* if the block is none */
	return l->block->len;
}

ssize_t
listing_next(struct listing *l, char const **s)
{
	ssize_t n = l->in_rest ? 0 : block_read(l->block, l->fd);
	if (n > 0 && l->rest)
		n = before_rest(l);
	if (!n && l->in_rest)
		n = next_of_rest(l);
	*s = l->block->s;
	return n;
}

void
listing_end(struct listing *l)
{
	join(l);
	block_free(l->block);
	while ((l->block = l->rest)) {
		l->rest = l->block->next;
		block_free(l->block);
	}
	if (l->fd >= 0)
		close(l->fd);
	if (l->fd_rest >= 0)
		close(l->fd_rest);
}

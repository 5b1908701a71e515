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
#define SPLIT ((off_t)0x3900000000000000)

static void *
pages(size_t n)
{
	void *p = mmap(0, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return p == MAP_FAILED ? 0 : p;
}

/* Pages of its own: they are many, and the system is to have them back. Null: errno. */
static struct listing_block *
block_new(struct listing *l)
{
	if (l->area_len < BLOCK)
		return pages(BLOCK);
	l->area_len -= BLOCK;
	return (void *)(l->area + l->area_len);
}

static void
block_free(struct listing const *l, struct listing_block *b)
{
	uintptr_t const at = (uintptr_t)b, area = (uintptr_t)l->area;
	if (b && (at < area || at >= area + l->area_size))
		munmap(b, BLOCK);
}

static ssize_t
block_read(struct listing *l, struct listing_block *b, int fd)
{
	b->len = syscall(SYS_getdents64, fd, b->s, BLOCK - sizeof *b);
	/* ENOENT: the directory was removed. */
	if (b->len < 0 && errno == ENOENT)
		b->len = 0;
	if (b->len > 0 && l->fn)
		l->fn(b->s, b->len);
	return b->len;
}

/* ---- the thread -------------------------------------------------------------------------------
 */

/* What it has read, the end (0) or an error (null), becomes known. Whether more is wanted. */
static int
hand_over(struct listing *l, struct listing_block *b, int error)
{
	pthread_mutex_lock(&l->lock);
	l->ended = !b || !b->len;
	l->error = error;
	if (b && l->rest)
		l->last->next = b;
	else if (b)
		l->rest = b;
	l->last = b;
	int const more = !l->ended && !l->left;
	pthread_mutex_unlock(&l->lock);
	pthread_cond_signal(&l->more);
	return more;
}

static void *
read_rest(void *arg)
{
	struct listing *l = arg;
	struct listing_block *b;
	do {
		b = block_new(l);
		if (!b || block_read(l, b, l->fd_rest) < 0) {
			int const e = errno;
			block_free(l, b);
			hand_over(l, 0, e);
			break;
		}
	} while (hand_over(l, b, 0));
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
	return !r;
}

/* Where a directory cannot be entered at any place all is read in one go. */
static void
begin_rest(struct listing *l, int fd_dir, char const *sub)
{
	l->fd_rest = openat(fd_dir, sub, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (l->fd_rest < 0 || lseek(l->fd_rest, SPLIT, SEEK_SET) < 0)
		return;
	/* What the thread reads has its place in pages as large as the system has them: each has
	 * its price. */
	if ((l->area = pages((size_t)l->size))) {
		l->area_len = l->area_size = (size_t)l->size & ~(size_t)(BLOCK - 1);
		(void)madvise(l->area, l->area_size, MADV_HUGEPAGE);
	}
	pthread_mutex_init(&l->lock, 0);
	pthread_cond_init(&l->more, 0);
	l->threaded = start_thread(l);
}

/* ---- who asks ---------------------------------------------------------------------------------
 */

int
listing_begin(struct listing *l, int fd_dir, char const *sub, int local, listing_fn *fn)
{
	struct stat st;
	*l = (struct listing){.fd_rest = -1, .fn = fn};
	l->fd = openat(fd_dir, sub, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (l->fd < 0 || fstat(l->fd, &st) < 0 || !(l->block = block_new(l))) {
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

/* The next block of the latter part, when it is read; null: there is none, or no more. */
static struct listing_block *
await_rest(struct listing *l)
{
	pthread_mutex_lock(&l->lock);
	while (!l->rest && !l->ended)
		pthread_cond_wait(&l->more, &l->lock);
	struct listing_block *const b = l->rest;
	pthread_mutex_unlock(&l->lock);
	return b;
}

/* How much of the block comes before the latter part, which begins with the name that was read
 * there first. Should that one be renamed it is not met, and all is read here: late, but whole. So
 * is it where nothing was read there. */
static ssize_t
before_rest(struct listing *l)
{
	struct listing_block const *const b = await_rest(l);
	struct listing_entry const *first = b && b->len ? (void const *)b->s : 0, *e;
	ssize_t at = 0;
	for (; first && at < l->block->len; at += e->len) {
		e = (void const *)(l->block->s + at);
		l->in_rest = e->ino == first->ino && !strcmp(e->name, first->name);
		if (l->in_rest)
			break;
	}
	return first ? at : l->block->len;
}

/* It becomes the one that is given out. */
static ssize_t
next_of_rest(struct listing *l)
{
	struct listing_block *const b = await_rest(l);
	if (!b) {
		errno = l->error;
		return -1;
	}
	if (!b->len)
		return 0;
	pthread_mutex_lock(&l->lock);
	l->rest = b->next;
	pthread_mutex_unlock(&l->lock);
	block_free(l, l->block);
	l->block = b;
	return b->len;
}

ssize_t
listing_next(struct listing *l, char const **s)
{
	ssize_t n = l->in_rest ? 0 : block_read(l, l->block, l->fd);
	if (n > 0 && l->threaded)
		n = before_rest(l);
	if (!n && l->in_rest)
		n = next_of_rest(l);
	*s = l->block->s;
	return n;
}

static void
end_thread(struct listing *l)
{
	pthread_mutex_lock(&l->lock);
	l->left = 1;
	pthread_mutex_unlock(&l->lock);
	pthread_join(l->thread, 0);
}

void
listing_end(struct listing *l)
{
	if (l->threaded)
		end_thread(l);
	block_free(l, l->block);
	while ((l->block = l->rest)) {
		l->rest = l->block->next;
		block_free(l, l->block);
	}
	if (l->area)
		munmap(l->area, (size_t)l->size);
	if (l->fd >= 0)
		close(l->fd);
	if (l->fd_rest >= 0)
		close(l->fd_rest);
}

#include "lib/read-ahead.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ALIGNED 64u   /* octets: a processor's lines of cache */
#define STACK 131072u /* octets of the thread's */
/* Who waits for a file waits for so many of those behind it as well: each waking has its price. */
#define AT_ONCE 8

struct file {
	uint32_t number;
	int fd_dir;
	int good;    /* read, and as expected */
	size_t size; /* as expected */
	size_t at;   /* in the ring, with room for one octet more: a file that grew shows */
	char name[NAME_MAX + 1];
};

/* The files are counted as they are put, from 0. */
struct read_ahead {
	pthread_t thread;
	pthread_mutex_t lock;  /* of put, read, want and ended */
	pthread_cond_t more;   /* there are some to be read, or the end has come */
	pthread_cond_t enough; /* read is want */
	uint64_t put, read, want;
	int ended;
	uint64_t taken;
	struct file file[READ_AHEAD_FILES];
	_Alignas(ALIGNED) char ring[READ_AHEAD_OCTETS];
};

static struct file *
file_of(struct read_ahead *r, uint64_t k)
{
	return &r->file[k % READ_AHEAD_FILES];
}

/* ---- the thread -------------------------------------------------------------------------------
 */

/* One read that gives so many octets, and had room for more, shows that they are the whole and that
 * it is a file. */
static int
read_file(struct file const *f, char *to)
{
	/* It may be a link, and lead to a fifo: nobody waits for its writer. */
	int const fd = openat(f->fd_dir, f->name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ssize_t const n = pread(fd, to, f->size + 1, 0);
	close(fd);
	return n >= 0 && (size_t)n == f->size;
}

static void *
run(void *arg)
{
	struct read_ahead *const r = arg;
	pthread_mutex_lock(&r->lock);
	for (;;) {
		while (r->read == r->put && !r->ended)
			pthread_cond_wait(&r->more, &r->lock);
		if (r->ended)
			break;
		struct file *const f = file_of(r, r->read);
		pthread_mutex_unlock(&r->lock);
		f->good = read_file(f, r->ring + f->at);
		pthread_mutex_lock(&r->lock);
		if (++r->read == r->want)
			pthread_cond_signal(&r->enough);
	}
	pthread_mutex_unlock(&r->lock);
	return 0;
}

static int
start_thread(struct read_ahead *r)
{
	sigset_t all, was;
	pthread_attr_t attr;
	if (pthread_attr_init(&attr))
		return -1;
	sigfillset(&all);
	/* Signals are the owner's. */
	pthread_sigmask(SIG_SETMASK, &all, &was);
	int const failed =
	    pthread_attr_setstacksize(&attr, STACK) || pthread_create(&r->thread, &attr, run, r);
	pthread_sigmask(SIG_SETMASK, &was, 0);
	pthread_attr_destroy(&attr);
	return failed ? -1 : 0;
}

/* ---- its owner --------------------------------------------------------------------------------
 */

struct read_ahead *
read_ahead_begin(void)
{
	/* Pages of its own: the system is to have them back. */
	struct read_ahead *const r =
	    mmap(0, sizeof *r, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (r == MAP_FAILED)
		return 0;
	pthread_mutex_init(&r->lock, 0);
	pthread_cond_init(&r->more, 0);
	pthread_cond_init(&r->enough, 0);
	if (!start_thread(r))
		return r;
	munmap(r, sizeof *r);
	return 0;
}

/* Room in the ring for a file, behind the newest and before the oldest that is there, which is the
 * one that was taken last: where it is, or READ_AHEAD_OCTETS. */
static size_t
room(struct read_ahead *r, size_t size)
{
	uint64_t const oldest = r->taken - (r->taken > 0);
	if (r->put == oldest)
		return 0;
	if (r->put - oldest == READ_AHEAD_FILES)
		return READ_AHEAD_OCTETS;
	struct file const *const newest = file_of(r, r->put - 1);
	size_t const from = file_of(r, oldest)->at;
	size_t const to = (newest->at + newest->size + ALIGNED) / ALIGNED * ALIGNED;
	if (newest->at < from)
		return from - to > size ? to : READ_AHEAD_OCTETS;
	if (READ_AHEAD_OCTETS - to > size)
		return to;
	return from > size ? 0 : READ_AHEAD_OCTETS;
}

int
read_ahead_put(struct read_ahead *r, uint32_t number, int fd_dir, char const *name, size_t size)
{
	size_t const len = strlen(name);
	if (size > READ_AHEAD_FILE || len > NAME_MAX)
		return 0;
	size_t const at = room(r, size);
	if (at == READ_AHEAD_OCTETS)
		return 0;
	struct file *const f = file_of(r, r->put);
	f->number = number;
	f->fd_dir = fd_dir;
	f->size = size;
	f->at = at;
	memcpy(f->name, name, len + 1);
	pthread_mutex_lock(&r->lock);
	if (r->read == r->put++)
		pthread_cond_signal(&r->more);
	pthread_mutex_unlock(&r->lock);
	return 1;
}

unsigned int
read_ahead_count(struct read_ahead const *r)
{
	return (unsigned int)(r->put - r->taken);
}

uint32_t
read_ahead_number(struct read_ahead *r)
{
	return file_of(r, r->taken)->number;
}

char *
read_ahead_take(struct read_ahead *r, size_t *size)
{
	unsigned int const left = read_ahead_count(r);
	struct file const *const f = file_of(r, r->taken);
	pthread_mutex_lock(&r->lock);
	if (r->read == r->taken) {
		r->want = r->taken + (left < AT_ONCE ? left : AT_ONCE);
		while (r->read < r->want)
			pthread_cond_wait(&r->enough, &r->lock);
	}
	pthread_mutex_unlock(&r->lock);
	r->taken++;
	*size = f->size;
	return f->good ? r->ring + f->at : 0;
}

void
read_ahead_end(struct read_ahead *r)
{
	pthread_mutex_lock(&r->lock);
	r->ended = 1;
	pthread_mutex_unlock(&r->lock);
	pthread_cond_signal(&r->more);
	pthread_join(r->thread, 0);
	munmap(r, sizeof *r);
}

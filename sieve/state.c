#include "sieve/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/crc32c.h"
#include "lib/durable.h"
#include "lib/hmac.h"
#include "lib/pread-all.h"
#include "lib/sa.h"

struct record {
	unsigned char key[SIEVE_KEY];
	int64_t when, until;
	uint32_t version;
	uint32_t crc; /* of all before it */
};
#define VERSION 1u

/* All of a file, as its lock allows. */
struct state {
	int fd;
	struct record *record;
	size_t count;
};

void
sieve_state_key(unsigned char key[static SIEVE_KEY], char const *const *s, size_t n)
{
	unsigned char digest[HASH_MAX];
	stralloc all = STRALLOC_ZERO;
	for (size_t i = 0; i < n; i++) {
		/* A string that is not there is not an empty one; none runs into the next. */
		sa_catf(&all, "%d:%zu:", s[i] != 0, s[i] ? strlen(s[i]) : 0);
		sa_cats(&all, s[i] ? s[i] : "");
	}
	hash_of(HASH_SHA256, all.s, all.len, digest);
	memcpy(key, digest, SIEVE_KEY);
	stralloc_free(&all);
}

static uint32_t
checksum(struct record const *r)
{
	return crc32c(0, r, offsetof(struct record, crc));
}

/* Waits for the lock: flock has no deadline of its own, and a process that was stopped may hold it.
 */
static int
lock(int fd, int how)
{
	struct timespec const pause = {0, 5000000};
	for (int waited = 0; flock(fd, how | LOCK_NB) < 0; waited += 5) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -1;
		if (waited > SIEVE_STATE_WAIT) {
			errno = ETIMEDOUT;
			return -1;
		}
		nanosleep(&pause, 0);
	}
	return 0;
}

/* Opens the file and locks it; who replaced it meanwhile is followed. 0; -1 (ENOENT: there is none,
 * and it is not to be made). */
static int
open_locked(char const *path, int make, int *fd_r)
{
	for (;;) {
		struct stat a, b;
		int const fd = open(path,
		    (make ? O_RDWR | O_CREAT : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
		    0600);
		if (fd < 0)
			return -1;
		if (lock(fd, make ? LOCK_EX : LOCK_SH) < 0 || fstat(fd, &a) < 0) {
			close(fd);
			return -1;
		}
		if (!S_ISREG(a.st_mode)) {
			close(fd);
			errno = EINVAL;
			return -1;
		}
		if (!stat(path, &b) && a.st_ino == b.st_ino && a.st_dev == b.st_dev) {
			*fd_r = fd;
			return 0;
		}
		close(fd);
	}
}

static void
state_close(struct state *s)
{
	free(s->record);
	close(s->fd);
}

/* 0, or -1 and errno. */
static int
state_open(struct state *s, char const *path, int make)
{
	struct stat st;
	*s = (struct state){.fd = -1};
	if (open_locked(path, make, &s->fd) < 0)
		return -1;
	size_t const most = (size_t)2 * SIEVE_STATE_RECORDS * sizeof *s->record;
	size_t n = fstat(s->fd, &st) < 0 || st.st_size < 0 ? 0 : (size_t)st.st_size;
	if (n > most)
		n = most;
	s->record = xmalloc(n + 1);
	ssize_t const r = pread_all(s->fd, (char *)s->record, n, 0);
	if (r < 0) {
		state_close(s);
		return -1;
	}
	s->count = (size_t)r / sizeof *s->record;
	return 0;
}

static int
good(struct record const *r)
{
	return r->version == VERSION && r->crc == checksum(r);
}

/* The last good record of the key. */
static struct record const *
find(struct state const *s, unsigned char const *key)
{
	for (size_t i = s->count; i-- > 0;)
		if (!memcmp(s->record[i].key, key, SIEVE_KEY) && good(&s->record[i]))
			return &s->record[i];
	return 0;
}

static int
by_time(void const *a, void const *b)
{
	int64_t const x = ((struct record const *)a)->when, y = ((struct record const *)b)->when;
	return (x > y) - (x < y);
}

static int
by_key(void const *a, void const *b)
{
	int const r = memcmp(a, b, SIEVE_KEY);
	return r ? r : by_time(a, b);
}

/* What still counts, each key once, at most three quarters of the records, oldest first. */
static void
prune(struct state *s, int64_t now)
{
	size_t const most = SIEVE_STATE_RECORDS / 4 * 3;
	struct record *const r = s->record;
	size_t good_ones = 0, n = 0;
	for (size_t i = 0; i < s->count; i++)
		if (good(&r[i]) && r[i].until > now)
			r[good_ones++] = r[i];
	qsort(r, good_ones, sizeof *r, by_key);
	for (size_t i = 0; i < good_ones; i++)
		if (i + 1 == good_ones || memcmp(r[i].key, r[i + 1].key, SIEVE_KEY))
			r[n++] = r[i];
	qsort(r, n, sizeof *r, by_time);
	if (n > most)
		memmove(r, r + (n - most), most * sizeof *r);
	s->count = n > most ? most : n;
}

/* Puts another file in its place; the lock is that of the old one, which nobody opens any more. */
static int
replace(struct state const *s, char const *path, struct record const *last)
{
	stralloc aside = STRALLOC_ZERO;
	sa_cats(&aside, path);
	sa_cats(&aside, ".new");
	int const fd =
	    open(sa_str(&aside), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int ok = fd >= 0 &&
		 !durable_write(fd, (char const *)s->record, s->count * sizeof *s->record) &&
		 !durable_write(fd, (char const *)last, sizeof *last) && !rename(aside.s, path);
	int const e = errno;
	if (fd >= 0)
		close(fd);
	if (!ok && fd >= 0)
		unlink(aside.s);
	stralloc_free(&aside);
	errno = e;
	return ok ? 0 : -1;
}

static int
put(struct state *s, char const *path, unsigned char const *key, int64_t now, int64_t until)
{
	struct record r = {.when = now, .until = until, .version = VERSION};
	memcpy(r.key, key, SIEVE_KEY);
	r.crc = checksum(&r);
	if (s->count >= SIEVE_STATE_RECORDS) {
		prune(s, now);
		return replace(s, path, &r);
	}
	/* Behind the last whole record: a torn one would shift all that come after it. */
	ssize_t const n = pwrite(s->fd, &r, sizeof r, (off_t)(s->count * sizeof r));
	if (n >= 0 && (size_t)n < sizeof r)
		errno = ENOSPC;
	return n == (ssize_t)sizeof r ? 0 : -1;
}

int
sieve_state_find(
    char const *path, unsigned char const key[static SIEVE_KEY], int64_t now, int64_t *when)
{
	struct state s;
	if (state_open(&s, path, 0) < 0)
		return errno == ENOENT ? 0 : -1;
	struct record const *const r = find(&s, key);
	int const found = r && r->until > now;
	if (found && when)
		*when = r->when;
	state_close(&s);
	return found;
}

int
sieve_state_put(
    char const *path, unsigned char const key[static SIEVE_KEY], int64_t now, int64_t until)
{
	struct state s;
	if (state_open(&s, path, 1) < 0)
		return -1;
	int const r = put(&s, path, key, now, until);
	state_close(&s);
	return r;
}

int
sieve_state_claim(char const *path, unsigned char const key[static SIEVE_KEY], int64_t now,
    uint64_t seconds, int64_t until)
{
	struct state s;
	if (state_open(&s, path, 1) < 0)
		return -1;
	struct record const *const r = find(&s, key);
	/* A time to come is that of a clock that was wrong. */
	int const due = !r || r->when > now || (uint64_t)(now - r->when) >= seconds;
	int const bad = due && put(&s, path, key, now, until) < 0;
	state_close(&s);
	return bad ? -1 : due;
}

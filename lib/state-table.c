#include "lib/state-table.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/durable.h"
#include "lib/id.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "lib/skalibs-compat.h"

/* The file: this, and the words behind it, so that a bucket is a line of the cache. */
struct head {
	char magic[16];
	uint64_t words;
	struct siphash_key key;
	char rest[24];
};
_Static_assert(sizeof(struct head) == STATE_BUCKET * sizeof(uint64_t), "a head is one line");

static char const magic[16] = "postern state 1";

static size_t
size_of(size_t words)
{
	return sizeof(struct head) + words * sizeof(uint64_t);
}

/* A file of ours and whole? Its head into *h. */
static int
is_good(int fd, size_t words, struct head *h)
{
	struct stat st;
	return !fstat(fd, &st) && S_ISREG(st.st_mode) && (size_t)st.st_size == size_of(words) &&
	       pread(fd, h, sizeof *h, 0) == sizeof *h && !memcmp(h->magic, magic, sizeof magic) &&
	       h->words == words;
}

/* All blocks at once, where the file system can: a store where none is left would be SIGBUS. */
static int
fill(int fd, size_t size)
{
	int e = posix_fallocate(fd, 0, (off_t)size);
	if (e == EOPNOTSUPP || e == EINVAL)
		return ftruncate(fd, (off_t)size);
	errno = e;
	return e ? -1 : 0;
}

/* A new file under a name of its own: it gets its final name when it is whole. */
static int
make(char const *tmp, size_t words, struct head *h)
{
	*h = (struct head){.words = words};
	memcpy(h->magic, magic, sizeof magic);
	if (siphash_key(&h->key) < 0)
		return -1;
	int fd = open(tmp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -1;
	if (!durable_write(fd, (char const *)h, sizeof *h) && !fill(fd, size_of(words)))
		return fd;
	int e = errno;
	unlink(tmp);
	close(fd);
	errno = e;
	return -1;
}

/* Of two that make one at the same time the first has it; what is damaged is replaced. */
static int
renew(char const *path, size_t words, struct head *h, int damaged)
{
	char id[ID_MAX + 1];
	stralloc tmp = STRALLOC_ZERO;
	id_new(id);
	sa_catf(&tmp, "%s.%s", path, id);
	int fd = make(sa_str(&tmp), words, h);
	if (fd >= 0 && (damaged ? rename(tmp.s, path) : link(tmp.s, path)) < 0) {
		int e = errno;
		close(fd);
		fd = e == EEXIST ? open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW) : -1;
		if (fd >= 0 && !is_good(fd, words, h)) {
			close(fd);
			fd = -1;
		}
		errno = e;
	}
	int e = errno;
	unlink(tmp.s);
	stralloc_free(&tmp);
	errno = e;
	return fd;
}

static int
open_file(char const *path, size_t words, struct head *h)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0 && is_good(fd, words, h))
		return fd;
	if (fd < 0)
		return errno == ENOENT ? renew(path, words, h, 0) : -1;
	close(fd);
	return renew(path, words, h, 1);
}

int
state_table_open(struct state_table *t, char const *path, size_t words)
{
	struct head h;
	if (t->tried)
		return t->words ? 0 : -1;
	t->tried = 1;
	int fd = open_file(path, words, &h);
	void *p = fd < 0 ? MAP_FAILED
			 : mmap(0, size_of(words), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	int e = errno;
	if (fd >= 0)
		close(fd);
	if (p == MAP_FAILED) {
		log_event("no-state");
		log_str("file", path);
		log_errno("why", e);
		log_send();
		return -1;
	}
	t->words = (uint64_t *)p + STATE_BUCKET;
	t->buckets = words / STATE_BUCKET;
	t->key = h.key;
	return 0;
}

uint64_t *
state_table_bucket(struct state_table const *t, char const *key, size_t len, uint32_t *tag)
{
	uint64_t const h = siphash(&t->key, key, len);
	*tag = (uint32_t)(h >> 32);
	return t->words + (uint32_t)h % t->buckets * STATE_BUCKET;
}

#include "maildir/keys.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/crc32c.h"
#include "maildir/filesystem.h"

char const *const keys_fields[KEYS_COLUMNS - KEYS_IN_SUBJECT] = {"Subject", "From", "To", "Cc"};

/* Octets that a column has for each row at least. */
static uint64_t
width(unsigned int c)
{
	if (c == KEYS_ROWS)
		return sizeof(struct keys_row);
	if (c == KEYS_DATE)
		return sizeof(int64_t) + sizeof(uint32_t);
	if (c == KEYS_THREAD)
		return sizeof(struct keys_thread);
	return c < KEYS_THREAD ? 2 * sizeof(uint32_t) : sizeof(uint32_t);
}

static int
place_sound(struct keys_header const *h, unsigned int c, uint64_t size)
{
	struct keys_place const *p = &h->place[c];
	if (!p->len)
		return c != KEYS_ROWS || !h->rows;
	return !(p->at % 8) && p->at >= sizeof *h && p->at <= size && p->len <= size - p->at &&
	       !(p->len % 4) && p->len >= h->rows * width(c);
}

/* Another version wrote it, or another kind of machine. */
static int
is_foreign(struct keys_header const *h)
{
	return !memcmp(h->magic, KEYS_MAGIC, sizeof h->magic) &&
	       (h->order != KEYS_ORDER || h->version != KEYS_VERSION);
}

static int
header_sound(struct keys_header const *h, uint64_t size)
{
	if (memcmp(h->magic, KEYS_MAGIC, sizeof h->magic) || is_foreign(h) ||
	    h->sum != crc32c(0, h, offsetof(struct keys_header, sum)))
		return 0;
	for (unsigned int c = 0; c < KEYS_COLUMNS; c++)
		if (!place_sound(h, c, size))
			return 0;
	return 1;
}

int
keys_open(struct keys *k, int fd_dir)
{
	struct stat st;
	*k = (struct keys)KEYS_ZERO;
	int const fd = openat(fd_dir, KEYS_NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return 0;
	void *map = MAP_FAILED;
	int const here = !fstat(fd, &st) && S_ISREG(st.st_mode) && !filesystem_network(fd);
	k->damaged = here && (uint64_t)st.st_size < sizeof(struct keys_header);
	if (here && !k->damaged)
		map = mmap(0, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (map == MAP_FAILED)
		return 0;
	k->map = map;
	k->size = (size_t)st.st_size;
	k->mtime = st.st_mtime;
	memcpy(&k->h, map, sizeof k->h);
	if (header_sound(&k->h, k->size))
		return 1;
	int const damaged = !is_foreign(&k->h);
	keys_close(k);
	k->damaged = damaged;
	return 0;
}

void
keys_close(struct keys *k)
{
	if (k->map)
		munmap((void *)(uintptr_t)k->map, k->size);
	*k = (struct keys)KEYS_ZERO;
}

void const *
keys_column(struct keys *k, enum keys_column c, size_t *len)
{
	struct keys_place const *const p = &k->h.place[c];
	unsigned int const bit = 1u << c;
	if (!p->len || k->bad & bit)
		return 0;
	if (!(k->sound & bit)) {
		int const good = crc32c(0, k->map + p->at, (size_t)p->len) == p->sum;
		*(good ? &k->sound : &k->bad) |= bit;
		if (!good)
			return 0;
	}
	*len = (size_t)p->len;
	return k->map + p->at;
}

#include "lib/cdb-read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <skalibs/uint32.h>

#include "lib/pread-all.h"
#include "lib/sa.h"

#define SLOTS 32     /* of a hash table, read at once */
#define RECORD 1024u /* of a record, as well */

static uint32_t
number(char const *s)
{
	uint32_t n;
	uint32_unpack(s, &n);
	return n;
}

static uint32_t
hash(char const *s, size_t n)
{
	uint32_t h = 5381;
	while (n--)
		h = (h + (h << 5)) ^ (unsigned char)*s++;
	return h;
}

int
cdb_read_open(struct cdb_read *c, char const *path)
{
	c->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (c->fd < 0)
		return -1;
	ssize_t const r = pread(c->fd, c->head, sizeof c->head, 0);
	if (r >= CDB_HEAD) {
		c->len = (size_t)r;
		return 0;
	}
	int const e = r < 0 ? errno : EINVAL;
	cdb_read_close(c);
	errno = e;
	return -1;
}

void
cdb_read_close(struct cdb_read *c)
{
	close(c->fd);
	c->fd = -1;
}

int
cdb_read_begins(struct cdb_read const *c, char const *data, size_t len)
{
	char const *const s = c->head + CDB_HEAD;
	return c->len >= CDB_HEAD + 8 + len && !number(s) && number(s + 4) == len &&
	       !memcmp(s + 8, data, len);
}

static int
damaged(void)
{
	errno = EINVAL;
	return -1;
}

/* The data of a record whose key has been compared; begun: so much of them is in value already. */
static int
take(struct cdb_read const *c, uint64_t at, size_t len, size_t max, stralloc *value)
{
	size_t const begun = value->len;
	if (len > max)
		return damaged();
	sa_room(value, len - begun + 1);
	if (begun < len) {
		if (pread_all(c->fd, value->s + begun, len - begun, at + begun) !=
		    (ssize_t)(len - begun))
			return damaged();
		value->len = len;
	}
	sa_str(value);
	return memchr(value->s, 0, len) ? damaged() : 1;
}

/* The record at this place: 1 it is the key's, 0 another's, -1. */
static int
compare(struct cdb_read const *c, uint32_t place, char const *key, size_t len, size_t max,
    stralloc *value)
{
	char buf[RECORD];
	ssize_t const r = pread(c->fd, buf, sizeof buf, place);
	if (r < 8 || len > sizeof buf - 8)
		return r < 0 ? -1 : damaged();
	size_t const got = (size_t)r - 8, klen = number(buf), dlen = number(buf + 4);
	if (klen != len)
		return 0;
	if (got < len)
		return damaged();
	if (memcmp(buf + 8, key, len))
		return 0;
	sa_copyb(value, buf + 8 + len, got - len < dlen ? got - len : dlen);
	return take(c, (uint64_t)place + 8 + len, dlen, max, value);
}

int
cdb_read_find(struct cdb_read const *c, char const *key, size_t len, size_t max, stralloc *value)
{
	uint32_t const h = hash(key, len);
	char const *const entry = c->head + (h & 255) * 8;
	uint32_t const table = number(entry), slots = number(entry + 4);
	char buf[SLOTS * 8];
	uint32_t slot = slots ? (h >> 8) % slots : 0;
	for (uint32_t seen = 0; seen < slots;) {
		uint32_t n = slots - slot < SLOTS ? slots - slot : SLOTS;
		if (pread_all(c->fd, buf, n * 8u, table + (uint64_t)slot * 8) != n * 8)
			return damaged();
		for (uint32_t i = 0; i < n && seen < slots; i++, seen++) {
			uint32_t const place = number(buf + i * 8 + 4);
			if (!place)
				return 0;
			int const r =
			    number(buf + i * 8) == h ? compare(c, place, key, len, max, value) : 0;
			if (r)
				return r;
		}
		slot = slot + n < slots ? slot + n : 0;
	}
	return 0;
}

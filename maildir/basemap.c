#include "maildir/basemap.h"

#include <stdlib.h>
#include <string.h>

#include "lib/memory.h"
#include "lib/sa.h"

struct basemap_slot {
	uint32_t hash, value;
	uint32_t len; /* 0: empty */
};

/* Eight octets at a time: names are long, and a folder has many. */
uint64_t
basemap_sum(char const *s, size_t len)
{
	uint64_t const odd = 0x9e3779b97f4a7c15;
	uint64_t h = len, word;
	for (; len >= sizeof word; s += sizeof word, len -= sizeof word) {
		memcpy(&word, s, sizeof word);
		h = (h ^ word) * odd;
		h ^= h >> 32;
	}
	word = 0;
	memcpy(&word, s, len);
	return (h ^ word) * odd;
}

static uint32_t
locate(struct basemap const *m, char const *base, size_t len, uint32_t h)
{
	uint32_t i = h & m->mask;
	for (; m->slot[i].len; i = (i + 1) & m->mask)
		if (m->slot[i].hash == h && m->slot[i].len == len &&
		    !memcmp(m->name(m->arg, m->slot[i].value), base, len))
			break;
	return i;
}

uint32_t
basemap_find(struct basemap const *m, uint32_t hash, char const *base, size_t len)
{
	if (!m->slot)
		return BASEMAP_NONE;
	uint32_t i = locate(m, base, len, hash);
	return m->slot[i].len ? m->slot[i].value : BASEMAP_NONE;
}

static void
grow(struct basemap *m, uint32_t size)
{
	struct basemap old = *m;
	m->slot = memory_large(size * sizeof *m->slot);
	memset(m->slot, 0, size * sizeof *m->slot);
	m->mask = size - 1;
	for (uint32_t i = 0; old.slot && i <= old.mask; i++)
		if (old.slot[i].len) {
			uint32_t at = old.slot[i].hash & m->mask;
			while (m->slot[at].len) /* no two are the same */
				at = (at + 1) & m->mask;
			m->slot[at] = old.slot[i];
		}
	free(old.slot);
}

void
basemap_reserve(struct basemap *m, uint32_t count)
{
	uint32_t size = 64;
	while (size / 2 <= count)
		size *= 2;
	if (!m->slot || m->mask + 1 < size)
		grow(m, size);
}

void
basemap_expect(struct basemap const *m, uint32_t hash)
{
	if (m->slot)
		__builtin_prefetch(m->slot + (hash & m->mask));
}

void
basemap_put(struct basemap *m, uint32_t hash, char const *base, size_t len, uint32_t value)
{
	if (!m->slot || m->used >= m->mask / 2)
		grow(m, m->slot ? (m->mask + 1) * 2 : 64);
	uint32_t i = locate(m, base, len, hash);
	m->used += !m->slot[i].len;
	m->slot[i] = (struct basemap_slot){hash, value, (uint32_t)len};
}

void
basemap_free(struct basemap *m)
{
	free(m->slot);
	m->slot = 0;
	m->mask = m->used = 0;
}

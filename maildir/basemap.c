#include "maildir/basemap.h"

#include <stdlib.h>
#include <string.h>

#include "lib/sa.h"

struct basemap_slot {
	uint32_t at, value;
	uint32_t len; /* 0: empty */
};

static uint32_t
hash(char const *s, size_t len)
{
	uint32_t h = 2166136261u;
	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)s[i]) * 16777619u;
	return h ^ h >> 15;
}

static uint32_t
locate(struct basemap const *m, char const *names, char const *base, size_t len)
{
	uint32_t i = hash(base, len) & m->mask;
	for (; m->slot[i].len; i = (i + 1) & m->mask)
		if (m->slot[i].len == len && !memcmp(names + m->slot[i].at, base, len))
			break;
	return i;
}

uint32_t
basemap_find(struct basemap const *m, char const *names, char const *base, size_t len)
{
	if (!m->slot)
		return BASEMAP_NONE;
	uint32_t i = locate(m, names, base, len);
	return m->slot[i].len ? m->slot[i].value : BASEMAP_NONE;
}

static void
grow(struct basemap *m, char const *names)
{
	struct basemap old = *m;
	uint32_t size = old.slot ? (old.mask + 1) * 2 : 64;
	m->slot = xmalloc(size * sizeof *m->slot);
	memset(m->slot, 0, size * sizeof *m->slot);
	m->mask = size - 1;
	for (uint32_t i = 0; old.slot && i <= old.mask; i++)
		if (old.slot[i].len)
			m->slot[locate(m, names, names + old.slot[i].at, old.slot[i].len)] =
			    old.slot[i];
	free(old.slot);
}

void
basemap_put(struct basemap *m, char const *names, uint32_t at, uint8_t len, uint32_t value)
{
	if (!m->slot || m->used >= m->mask / 2)
		grow(m, names);
	uint32_t i = locate(m, names, names + at, len);
	m->used += !m->slot[i].len;
	m->slot[i] = (struct basemap_slot){at, value, len};
}

void
basemap_free(struct basemap *m)
{
	free(m->slot);
	*m = (struct basemap)BASEMAP_ZERO;
}

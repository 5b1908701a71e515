#include "mda-remote/tally.h"

#include <stdlib.h>
#include <string.h>

#include "lib/fnv.h"
#include "lib/sa.h"

#define SIZE_START 64

/* Where the key is, or would be put. Open addressing, never more than half full. */
static size_t
find(struct tally const *t, uint32_t key)
{
	size_t i = key * 2654435769u & (t->size - 1);
	while (t->entry[i].count && t->entry[i].key != key)
		i = (i + 1) & (t->size - 1);
	return i;
}

static void
grow(struct tally *t)
{
	struct tally old = *t;
	t->size = old.size ? old.size * 2 : SIZE_START;
	t->entry = xmalloc(t->size * sizeof *t->entry);
	memset(t->entry, 0, t->size * sizeof *t->entry);
	for (size_t i = 0; i < old.size; i++)
		if (old.entry[i].count)
			t->entry[find(t, old.entry[i].key)] = old.entry[i];
	free(old.entry);
}

uint32_t
tally_of(struct tally const *t, uint32_t key)
{
	return t->size ? t->entry[find(t, key)].count : 0;
}

void
tally_add(struct tally *t, uint32_t key)
{
	if ((t->used + 1) * 2 > t->size)
		grow(t);
	struct tally_entry *e = t->entry + find(t, key);
	if (!e->count++) {
		e->key = key;
		t->used++;
	}
}

void
tally_done(struct tally *t, uint32_t key)
{
	size_t i = find(t, key);
	if (--t->entry[i].count)
		return;
	t->used--;
	/* What was put behind it because its place was taken must be found without it. */
	for (size_t k = (i + 1) & (t->size - 1); t->entry[k].count; k = (k + 1) & (t->size - 1)) {
		struct tally_entry e = t->entry[k];
		t->entry[k].count = 0;
		t->entry[find(t, e.key)] = e;
	}
}

uint32_t
tally_key(char const *s, size_t n)
{
	uint32_t const h = fnv32_folded(FNV32_BEGIN, s, n);
	return h ? h : 1;
}

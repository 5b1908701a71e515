#include "maildir/tool/names.h"

#include <stdlib.h>
#include <string.h>

#include "lib/fnv.h"
#include "lib/sa.h"
#include "maildir/limits.h"

/* An open hash table, at most half full. Names lie in text, each behind its length. */
struct names_slot {
	size_t at; /* 1 + the name's place; 0: empty */
	uint32_t hash, number;
};

static int
is_name(struct names const *n, struct names_slot const *e, char const *s, size_t len)
{
	char const *name = n->text.s + e->at - 1;
	return (unsigned char)name[0] == len && !memcmp(name + 1, s, len);
}

/* Where the name is, or would be. */
static struct names_slot *
place(struct names const *n, char const *s, size_t len, uint32_t hash)
{
	uint32_t i = hash & n->mask;
	while (n->slot[i].at && (n->slot[i].hash != hash || !is_name(n, n->slot + i, s, len)))
		i = (i + 1) & n->mask;
	return n->slot + i;
}

static void
grow(struct names *n)
{
	struct names_slot *old = n->slot;
	uint32_t count = old ? n->mask + 1 : 0;
	n->mask = count ? 2 * count - 1 : 255;
	n->slot = xmalloc((n->mask + (size_t)1) * sizeof *n->slot);
	memset(n->slot, 0, (n->mask + (size_t)1) * sizeof *n->slot);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t to = old[i].hash & n->mask;
		if (!old[i].at)
			continue;
		while (n->slot[to].at)
			to = (to + 1) & n->mask;
		n->slot[to] = old[i];
	}
	free(old);
}

uint32_t *
names_find(struct names const *n, char const *s, size_t len)
{
	if (!n->slot || len > MAILDIR_NAME_MAX)
		return 0;
	struct names_slot *e = place(n, s, len, fnv32(FNV32_BEGIN, s, len));
	return e->at ? &e->number : 0;
}

uint32_t *
names_add(struct names *n, char const *s, size_t len, uint32_t number)
{
	if (len > MAILDIR_NAME_MAX)
		return 0;
	if (!n->slot || n->used > n->mask / 2)
		grow(n);
	uint32_t hash = fnv32(FNV32_BEGIN, s, len);
	struct names_slot *e = place(n, s, len, hash);
	if (!e->at) {
		*e = (struct names_slot){n->text.len + 1, hash, number};
		sa_append(&n->text, (char)len);
		sa_catb(&n->text, s, len);
		n->used++;
	}
	return &e->number;
}

void
names_free(struct names *n)
{
	free(n->slot);
	stralloc_free(&n->text);
	*n = (struct names)NAMES_ZERO;
}

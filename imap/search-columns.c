/* Texts that a folder's postern-keys has of every message: one pass over all of them, instead of a
 * look at each message. */
#include "imap/search.h"

#include <string.h>
#include <strings.h>

#include "imap/keys.h"

/* The column of a key; 0: none. A zero octet ends each text there, so none may be sought. */
static enum keys_column
column_of(struct search_key const *k)
{
	static char const *const name[] = {"Subject", "From", "To", "Cc"};
	if (k->kind != SEARCH_HEADER || !k->matcher.key.len ||
	    memchr(k->matcher.key.s, 0, k->matcher.key.len))
		return 0;
	for (unsigned int c = 0; c < sizeof name / sizeof *name; c++)
		if (!strcasecmp(k->name, name[c]))
			return KEYS_IN_SUBJECT + c;
	return 0;
}

/* Texts behind one another, and where each row's end. */
struct texts {
	char const *s;
	size_t len;
	uint32_t const *end;
	uint32_t rows;
};

static void
find(struct search_key *k, struct folder_keys const *keys, struct texts const *t)
{
	size_t at = 0;
	for (uint32_t row = 0; row < t->rows && at < t->len; at = t->end[row++]) {
		char const *const p =
		    memmem(t->s + at, t->len - at, k->matcher.key.s, k->matcher.key.len);
		if (!p)
			return;
		while (row + 1 < t->rows && t->end[row] <= (size_t)(p - t->s))
			row++;
		uint32_t const i = folder_keys_message(keys, row);
		if (i != UINT32_MAX)
			k->found[i / 8] |= (unsigned char)(1u << (i % 8));
	}
}

static void
search_column(struct search_key *k, struct folder_keys *keys, enum keys_column c, struct arena *a)
{
	struct texts t = {.rows = keys->file.h->rows};
	size_t len;
	t.s = keys_column(&keys->file, c, &len);
	t.len = len - t.rows * sizeof *t.end;
	t.end = (uint32_t const *)(void const *)(t.s + t.len);
	k->found = arena_zalloc(a, keys->covered / 8 + 1);
	k->known = keys->covered;
	find(k, keys, &t);
}

void
search_columns(struct search *q, struct session *s, struct folder *f, uint32_t count)
{
	struct folder_keys keys;
	unsigned int columns = 0;
	for (size_t i = 0; i < q->text_count; i++)
		columns |= 1u << column_of(q->texts[i]);
	columns &= ~1u;
	if (!columns)
		return;
	if (keys_get(&keys, s, f, count, columns))
		for (size_t i = 0; i < q->text_count; i++) {
			enum keys_column const c = column_of(q->texts[i]);
			if (c)
				search_column(q->texts[i], &keys, c, &s->arena);
		}
	folder_keys_close(&keys);
}

void
search_columns_end(struct search *q)
{
	for (size_t i = 0; i < q->text_count; i++)
		q->texts[i]->known = 0;
}

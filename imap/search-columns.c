/* Texts that a folder's postern-keys has of every message: one pass over all of them, instead of a
 * look at each message. */
#include "imap/search.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "imap/keys.h"
#include "imap/messages.h"
#include "lib/sa.h"

/* The column of a key; 0: none. A zero octet ends each text there, so none may be sought. */
static enum keys_column
column_of(struct search_key const *k)
{
	if (k->kind != SEARCH_HEADER || !k->matcher.key.len ||
	    memchr(k->matcher.key.s, 0, k->matcher.key.len))
		return 0;
	for (unsigned int c = 0; c < KEYS_COLUMNS - KEYS_IN_SUBJECT; c++)
		if (!strcasecmp(k->name, keys_fields[c]))
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

/* Looks for a key until the session ends. Ends that fall, or lie outside, end it: who else may
 * write the file may have put anything there. */
static void
find(struct search_key *k, struct session *s, struct folder_keys const *keys, struct texts const *t)
{
	size_t at = 0;
	for (uint32_t row = 0; row < t->rows; row++) {
		char const *const p =
		    memmem(t->s + at, t->len - at, k->matcher.key.s, k->matcher.key.len);
		if (!p || session_stopped(s))
			return;
		size_t end = keys_number(&t->end[row]);
		while (end <= (size_t)(p - t->s) && ++row < t->rows)
			end = keys_number(&t->end[row]);
		if (row == t->rows || end > t->len)
			return;
		uint32_t const i = folder_keys_message(keys, row);
		if (i != UINT32_MAX)
			k->found[i / 8] |= (unsigned char)(1u << (i % 8));
		at = end;
	}
}

static void
search_column(struct search_key *k, struct session *s, struct folder_keys *keys)
{
	struct texts t = {.rows = keys->file.h.rows};
	size_t len;
	t.s = keys_column(&keys->file, column_of(k), &len);
	t.len = len - t.rows * sizeof *t.end;
	t.end = (uint32_t const *)(void const *)(t.s + t.len);
	k->known = keys->covered;
	find(k, s, keys, &t);
}

/* All keys that have a column, as long as there is memory for a bit of each message. */
static void
search_all(struct search *q, struct session *s, struct folder_keys *keys)
{
	size_t const octets = keys->covered / 8 + 1, room = s->search_memory / octets;
	size_t n = 0, at = 0;
	for (size_t i = 0; i < q->text_count; i++)
		n += column_of(q->texts[i]) != 0;
	n = n < room ? n : room;
	q->found = xmalloc(n * octets + 1);
	memset(q->found, 0, n * octets);
	for (size_t i = 0; i < q->text_count && at < n && !session_stopped(s); i++) {
		if (!column_of(q->texts[i]))
			continue;
		q->texts[i]->found = q->found + at++ * octets;
		search_column(q->texts[i], s, keys);
	}
}

/* How many messages need a look at more than the folder and its directory know; no more are counted
 * than are worth a column. */
static uint32_t
left(struct search *q, struct session *s, struct folder *f, struct set const *among)
{
	uint32_t const enough = keys_worth(f);
	uint32_t n = 0;
	MESSAGES_EACH(among, r, i)
	{
		if (n >= enough || (!(i % 64) && session_stopped(s)))
			return n;
		n += (uint32_t)search_open(q, f, i);
	}
	return n;
}

void
search_columns(struct search *q, struct session *s, struct folder *f, struct set const *among)
{
	struct folder_keys keys;
	unsigned int columns = 0;
	for (size_t i = 0; i < q->text_count; i++)
		columns |= 1u << column_of(q->texts[i]);
	columns &= ~1u;
	if (!columns)
		return;
	int there = keys_find(&keys, f, messages_count(among), columns);
	if (!there) {
		folder_keys_close(&keys);
		there = keys_get(&keys, s, f, left(q, s, f, among), columns);
	}
	if (there)
		search_all(q, s, &keys);
	folder_keys_close(&keys);
}

void
search_columns_end(struct search *q)
{
	for (size_t i = 0; i < q->text_count; i++)
		q->texts[i]->known = 0;
	free(q->found);
	q->found = 0;
}

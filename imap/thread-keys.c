/* What threads are made of: ids and base subjects, as hashes. */
#include "imap/thread.h"

#include "lib/sa.h"

void
thread_columns(struct thread *x)
{
	size_t len;
	if (keys_get(&x->keys, x->s, x->f, x->r->count, 1u << KEYS_THREAD | 1u << KEYS_DATE)) {
		x->row = keys_column(&x->keys.file, KEYS_THREAD, &len);
		x->refs = (len - x->keys.file.h.rows * sizeof *x->row) / sizeof(uint64_t);
		x->key = x->keys.file.h.key;
	} else {
		folder_keys_close(&x->keys);
		x->failed |= siphash_key(&x->key) < 0;
	}
}

static char const *
text_of(struct thread *x, uint32_t i, enum message_text which, size_t *len)
{
	hand_take(&x->h, x->f, i);
	char const *const s = hand_keys(&x->h, which, len);
	if (!s)
		*len = 0;
	return s ? s : "";
}

/* Those of a row: in the column, and behind those of the rows before. */
static void
column_refs(struct thread *x, struct keys_thread const *t, uint64_t const **refs, uint32_t *count)
{
	size_t const at = keys_number(&t->refs), n = keys_number(&t->count);
	*count = 0;
	if (at < x->refs_from || at > x->refs || n > x->refs - at)
		return;
	*refs = (uint64_t const *)(void const *)(x->row + x->keys.file.h.rows) + at;
	*count = (uint32_t)n;
	x->refs_from = at + n;
}

uint64_t
thread_ids(
    struct thread *x, uint32_t i, uint64_t const **refs, uint32_t *count, struct thread_room *room)
{
	size_t len, id_len, at = 0;
	char const *id;
	uint64_t own = 0;
	if (i < x->keys.covered) {
		struct keys_thread const *const t = &x->row[folder_keys_row(&x->keys, i)];
		column_refs(x, t, refs, count);
		return t->id;
	}
	char const *const s = text_of(x, i, TEXT_THREAD, &len);
	*count = 0;
	if (message_thread_keys(s, len, &at, &id, &id_len) && id_len)
		own = keys_hash(&x->key, id, id_len);
	while (message_thread_keys(s, len, &at, &id, &id_len)) {
		if (*count == room->room) {
			room->room += room->room / 2 + 64;
			room->at = xrealloc(room->at, room->room, sizeof *room->at);
		}
		room->at[(*count)++] = id_len ? keys_hash(&x->key, id, id_len) : 0;
	}
	*refs = room->at;
	return own;
}

uint64_t
thread_subject(struct thread *x, uint32_t i)
{
	struct message_sort k;
	size_t len;
	if (i < x->keys.covered)
		return x->row[folder_keys_row(&x->keys, i)].subject;
	char const *const s = text_of(x, i, TEXT_SORT, &len);
	return message_sort_keys(&k, s, len) ? keys_subject(&x->key, &k) : 0;
}

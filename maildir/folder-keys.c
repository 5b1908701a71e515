#include "maildir/folder-keys.h"

#include <time.h>

#include "maildir/folder-state.h"

/* Rows without a message, and messages without a row, beyond which the file is written anew: so
 * many, and such a part of the rows. */
#define STALE_FEW 64
#define STALE_GONE 4
#define STALE_NEW 64
/* Seconds that rows and messages are compared one by one before a file that would spare it is
 * written: sessions that know different snapshots would else do so in turns. */
#define MOVED_AGE 3600

/* Compares rows and messages one by one. 0: they are another folder's, or of an earlier time. */
static int
compare(struct folder_keys *k, struct folder *f)
{
	size_t len;
	struct keys_row const *row = keys_column(&k->file, KEYS_ROWS, &len);
	struct numbers dead = NUMBERS_ZERO;
	uint32_t const rows = k->file.h.rows;
	uint32_t r = 0, p = 0;
	for (; row && p < f->announced && r < rows; p++) {
		struct record const *m = folder_at(f, p);
		if (m->state & RECORD_REMOVED)
			continue;
		for (; r < rows && row[r].uid < m->uid; r++)
			numbers_add(&dead, r);
		if (r == rows)
			break;
		if (row[r].uid != m->uid || row[r].hash != m->hash)
			row = 0;
		r++;
		k->covered++;
	}
	for (; row && r < rows; r++)
		numbers_add(&dead, r);
	gaps_add(&k->own, dead.at, dead.count);
	k->gaps = &k->own;
	numbers_free(&dead);
	k->moved = f->index.id && rows == f->index.count && rows == f->announced &&
		   k->covered == rows && time(0) - k->file.mtime > MOVED_AGE;
	return row != 0;
}

/* Is the mapped snapshot of the folder the one that the rows were taken from, one by one? */
static int
match(struct folder_keys *k, struct folder *f)
{
	struct keys_header const *const h = &k->file.h;
	if (h->validity != f->validity)
		return 0;
	if (!h->snapshot || h->snapshot != f->index.id || h->rows != f->index.count)
		return compare(k, f);
	uint32_t const end = h->rows < f->announced ? h->rows : f->announced;
	k->gaps = &f->gaps;
	k->covered = end - gaps_before(k->gaps, end);
	return 1;
}

int
folder_keys_open(struct folder_keys *k, struct folder *f, unsigned int columns)
{
	size_t len;
	*k = (struct folder_keys)FOLDER_KEYS_ZERO;
	if (!keys_open(&k->file, f->fd_dir) || !match(k, f))
		return 0;
	uint32_t const rows = k->file.h.rows, gone = rows - k->covered;
	if (gone > STALE_FEW + rows / STALE_GONE ||
	    folder_count(f) - k->covered > STALE_FEW + rows / STALE_NEW)
		return 0;
	for (unsigned int c = 0; c < KEYS_COLUMNS; c++)
		if (columns >> c & 1 && !keys_column(&k->file, c, &len))
			return 0;
	return 1;
}

void
folder_keys_close(struct folder_keys *k)
{
	keys_close(&k->file);
	gaps_free(&k->own);
	*k = (struct folder_keys)FOLDER_KEYS_ZERO;
}

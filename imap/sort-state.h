/* The inside of a SORT, shared by imap/sort.c, by texts, and imap/sort-columns.c. */
#ifndef POSTERN_IMAP_SORT_STATE_H
#define POSTERN_IMAP_SORT_STATE_H

#include "imap/keys.h"
#include "imap/sort.h"
#include "lib/sort-items.h"

struct sorter {
	struct session *s;
	struct folder *f;
	struct hand h;
	struct sort_item *item;
	struct sort_criterion const *by;
	unsigned int criteria;
	unsigned char *starts;
	struct progress progress;
	/* With postern-keys: its columns by sort key, and those messages that have a row, in order.
	 */
	struct folder_keys keys;
	void const *row[SORT_TO + 1];
	uint32_t const *order; /* rows by the first criterion */
	uint32_t *placed, count;
	unsigned char *met; /* a bit for each result that is placed */
};

/* The column of each sort key; 0: none. */
extern enum keys_column const sorter_column[SORT_TO + 1];

/* ---- sort.c ---- */
/* What a message is sorted by, its octets from `from` on. A message that cannot be read sorts as an
 * empty one. */
void sorter_take_key(
    struct sorter *x, struct sort_item *t, struct sort_criterion const *by, size_t from);
/* Do all strings that are the same in this chunk end in it? */
int sorter_ends(struct sort_item const *t, struct sort_criterion const *by);
/* Places items [lo, hi), which are equal in the criteria before c and, in c, in the octets before
 * `from`; by number within. 0 or -1. */
int sorter_run(struct sorter *x, uint32_t lo, uint32_t hi, unsigned int c, size_t from);

/* ---- sort-columns.c ---- */
/* 0, -1 the session ended. r->sorted is null if there are no columns. */
int sorter_by_columns(struct sorter *x, struct results *r);

#endif

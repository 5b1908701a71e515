/* The messages that a search has found, in an order: as bits, and for SORT as numbers as well. */
#ifndef POSTERN_IMAP_RESULTS_H
#define POSTERN_IMAP_RESULTS_H

#include "imap/progress.h"
#include "imap/search.h"

#define RESULTS_END UINT32_MAX

struct results {
	unsigned char *bits; /* of messages [from, to) */
	uint32_t from, to, count;
	uint32_t *sorted; /* their indexes in the order asked for; null: the mailbox's */
};

static inline int
results_has(struct results const *r, uint32_t i)
{
	return i >= r->from && i < r->to && r->bits[(i - r->from) / 8] >> ((i - r->from) % 8) & 1;
}
/* None yet, of messages [from, to); in the arena. */
void results_make(struct results *r, struct arena *a, uint32_t from, uint32_t to);
void results_add(struct results *r, uint32_t i);

/* Walking: places that lead to indexes, RESULTS_END behind the last. */
uint32_t results_first(struct results const *r);
uint32_t results_last(struct results const *r);
uint32_t results_next(struct results const *r, uint32_t place);
uint32_t results_before(struct results const *r, uint32_t place);
static inline uint32_t
results_index(struct results const *r, uint32_t place)
{
	return r->sorted ? r->sorted[place] : place;
}

/* How much of what matches is needed: with 0 of both, all of it. */
struct results_need {
	uint32_t first, last; /* so many from the beginning, and from the end */
	int limited; /* only among so many messages as one command may search (RFC 9738) */
};
/* RFC 9738 3.3: would more messages be searched than one command may? */
int results_beyond(struct session *s, struct search const *q);
/* Searches the folder, which q is bound to. 0; -1 when the session ended meanwhile. Messages that
 * are gone are left out. progress: of the command, if this is a part of it, else null. */
int results_search(struct results *r, struct session *s, struct folder *f, struct search *q,
    struct results_need const *need, struct progress const *progress);

#endif

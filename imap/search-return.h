/* The result options of SEARCH, SORT and ESEARCH, and the ESEARCH response that they ask for. */
#ifndef POSTERN_IMAP_SEARCH_RETURN_H
#define POSTERN_IMAP_SEARCH_RETURN_H

#include "imap/results.h"

enum {
	RETURN_MIN = 1,
	RETURN_MAX = 2,
	RETURN_ALL = 4,
	RETURN_COUNT = 8,
	RETURN_PARTIAL = 16, /* RFC 9394 3.1 */
	RETURN_SAVE = 32,    /* RFC 5182 */
	RETURN_CONTEXT = 64, /* RFC 5267 4.2: a hint that nothing follows from */
	RETURN_UPDATE = 128, /* RFC 5267 4.3 */
	RETURN_DATA = RETURN_MIN | RETURN_MAX | RETURN_ALL | RETURN_COUNT | RETURN_PARTIAL,
};

struct partial {
	uint32_t lo, hi; /* counted from 1 */
	int last;	 /* from the end */
	struct text text;
};

struct search_return {
	int given; /* RETURN is there: the answer is an ESEARCH response */
	unsigned int options;
	struct partial partial;
};

/* "RETURN (MIN COUNT) " (RFC 4731 3.1), or nothing. 1 or 0. */
int search_return_parse(struct parse *p, struct search_return *o);
/* "1:100" or "-1:-100" (RFC 9394 section 4). 1 or 0. */
int partial_range_parse(struct parse *p, struct partial *partial);
/* The messages of the set that the range takes; in the set's memory. */
void partial_set(struct partial const *partial, struct set *m);
/* How much of what matches these options need. */
struct results_need search_return_need(struct search_return const *o);
/* Those of the results that the options return: what "$" and MODSEQ stand for (RFC 5182 2.4, RFC
 * 9394 3.2, RFC 4731 3.2). In the arena, or the results themselves. */
struct results search_return_kept(
    struct search_return const *o, struct results const *r, struct arena *a);

/* Whose response it is. */
struct esearch {
	struct folder *folder;
	int uid;
	char const *mailbox; /* RFC 7377 2.1: names it, with UIDVALIDITY; null: the selected one */
	int modseq;	     /* MODSEQ was a key */
};
/* RFC 4731 section 3.1, RFC 4466 2.6.2 */
void search_return_tell(struct session *s, struct esearch const *e, struct search_return const *o,
    struct results const *r);
/* cmd-search.c: the response, and what SAVE and $ want: DONE, or the tagged reply. */

char const *search_answer(struct session *s, struct search const *q, struct search_return const *o,
    struct results const *r);
/* The response's beginning, up to the data (RFC 4466 2.6.2, search-correlator). */
void esearch_begin(struct session *s, char const *tag, struct esearch const *e);
/* The results as a sequence-set (RFC 5267 3.2). */
void results_tell_set(struct session *s, struct esearch const *e, struct results const *r);
/* The highest modseq of the results. */
uint64_t results_modseq(struct results const *r, struct folder *f);

#endif

/* SORT (RFC 5256): puts results in order. Each message costs 16 octets while it runs: the number
 * and the first octets of what it is sorted by; of messages that are equal in these, the next
 * octets are read from the folder's texts, and so on. Where the folder has its postern-keys, and
 * most messages are asked for, it costs 4. */
#ifndef POSTERN_IMAP_SORT_H
#define POSTERN_IMAP_SORT_H

#include "imap/results.h"

#define SORT_OCTETS 16 /* for each message */

enum sort_key {
	SORT_ARRIVAL,
	SORT_CC,
	SORT_DATE,
	SORT_DISPLAYFROM, /* RFC 5957 */
	SORT_DISPLAYTO,
	SORT_FROM,
	SORT_SIZE,
	SORT_SUBJECT,
	SORT_TO,
};

struct sort_criterion {
	enum sort_key key;
	int reverse;
};

/* Sorts the results of a folder, by the criteria in turn and then by number. r->sorted is malloced;
 * the caller frees it. If starts is not null, it gets a bit for each place at which another value
 * of the first criterion begins than before (in a zeroed array of count / 8 + 1 octets). 0; -1 when
 * the session ended meanwhile. */
int sort_results(struct session *s, struct folder *f, struct results *r,
    struct sort_criterion const *by, unsigned int count, unsigned char *starts);

/* As sort_results by SORT_ARRIVAL, slower, in 4 octets for each message. */
void sort_by_arrival(struct session *s, struct folder *f, struct results *r);

#endif

/* The messages that a command means. */
#ifndef POSTERN_IMAP_MESSAGES_H
#define POSTERN_IMAP_MESSAGES_H

#include <skalibs/stralloc.h>

#include "imap/session.h"

/* Takes a sequence-set, or "$" (RFC 5182), and turns it into ranges of indexes into the folder, lo
 * and hi included: sequence numbers, or UIDs if s->uid. A sequence number that no message has is an
 * error (RFC 3501 section 9, seq-number); a UID that none has is not (6.4.8). */
int messages_parse(struct session *s, struct parse *p, struct set *out);
/* The same, and in a UID command the UIDs themselves ("*" is the last that any message had), in
 * order. */
int messages_parse_both(struct session *s, struct parse *p, struct set *out, struct set *uids);
/* The same for a set of any folder that has been read already (SEARCH), uid or not; numbers beyond
 * are ignored. */
void messages_resolve(struct folder *f, struct set *set, int uid);
size_t messages_count(struct set const *m);
/* Leaves of the messages with all of these flags the s->message_limit with the highest UIDs (RFC 9738
 * 3.1); if that is not all, s->lowest becomes the lowest UID of them. */
void messages_limit(struct session *s, struct set *m, unsigned int flags);

/* Every index i of the set m, with r for the range it is in. */
#define MESSAGES_EACH(m, r, i)                                                                     \
	for (struct range const *r = (m)->r; r < (m)->r + (m)->n; r++)                             \
		for (uint32_t i = r->lo; i <= r->hi; i++)

/* Appends ascending or any numbers as a set: "3:5,9". */
void messages_put(stralloc *out, uint32_t const *n, size_t count);

#endif

/* The result that SEARCH RETURN (SAVE) leaves for "$" (RFC 5182). Kept as ranges of UIDs, so that
 * an EXPUNGE changes nothing in it. */
#ifndef POSTERN_IMAP_SAVED_H
#define POSTERN_IMAP_SAVED_H

#include "imap/results.h"

/* Keeps the results, of the selected folder. 0; -1: they need more memory than imap-search-memory
 * allows, and "$" is empty now (2.5). */
int saved_keep(struct session *s, struct results const *r);
/* "$" is empty from now on. */
void saved_forget(struct session *s);
/* What "$" stands for now: indexes into the selected folder, in the arena. */
struct set saved_messages(struct session *s, struct arena *a);

#endif

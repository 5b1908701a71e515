/* Quick resynchronization (RFC 7162 3.2): what a client that comes back has missed. */
#ifndef POSTERN_IMAP_QRESYNC_H
#define POSTERN_IMAP_QRESYNC_H

#include "imap/session.h"

/* The parameters of SELECT and EXAMINE (RFC 4466 2.1). */
struct select_params {
	int condstore, qresync;
	uint32_t uidvalidity;
	uint64_t modseq;
	int any_known;	  /* the client names the UIDs that it knows */
	struct set known; /* UIDs */
	/* Sequence numbers, and the UIDs that they had (3.2.5.2): as many of the one as of the
	 * other, ascending. */
	struct set numbers, uids;
};

/* " (CONDSTORE QRESYNC (...))", or nothing. */
int select_params_parse(struct session *s, struct parse *p, struct select_params *out);
/* VANISHED (EARLIER) and FETCH responses for the folder that was just selected. */
void qresync_tell(struct session *s, struct select_params const *q);

/* VANISHED (EARLIER) of the UIDs in the set that went after `since` (3.2.6). from: no UID below it
 * is told. */
void vanished_earlier(struct session *s, struct set const *uids, uint64_t since, uint32_t from);

/* One VANISHED response, or several where it would grow long; none without ranges. */
struct vanished {
	struct session *s;
	int earlier;
	unsigned int count; /* ranges in the response that is open */
};
void vanished_add(struct vanished *v, uint32_t lo, uint32_t hi);
void vanished_end(struct vanished *v);

#endif

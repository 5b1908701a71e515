/* Searches whose result the client is kept informed of: RETURN (UPDATE) (RFC 5267 4.3). What
 * matches is remembered as a bit for each message. */
#ifndef POSTERN_IMAP_CONTEXT_H
#define POSTERN_IMAP_CONTEXT_H

#include "imap/search-return.h"

struct context {
	struct context *next;
	char const *tag; /* of the searching command, in the arena */
	int uid;
	struct arena arena; /* the keys live here */
	struct search q;
	struct results matches; /* of [0, to), bits malloced; to grows with the folder */
	uint64_t modseq;	/* what changed since is to be looked at again */
	int64_t looked;		/* when all messages were, the last time (RFC 5032 section 2) */
};

/* No search that is kept up to date has this command's tag; 0 (the parse fails): one does (RFC
 * 5267 4.3). */
int context_tag_free(struct session const *s, struct parse *p);
/* A context for the command in hand; the keys are to be parsed into its arena. Null: its tag has
 * one already, an error is noted. */
struct context *context_new(struct session *s, struct parse *p);
/* Keeps it and tells of changes from now on, r being all results of its search; or says that it
 * cannot be (4.3.1) and frees it. */
void context_keep(struct session *s, struct context *c, struct results const *r);
void context_free(struct context *c);
/* Those with this tag, or all (null), end. */
void contexts_cancel(struct session *s, char const *tag);

/* Called by sync: before EXPUNGEs are told, REMOVEFROM for what is gone; at each EXPUNGE, the
 * numbers move; afterwards, ADDTO and REMOVEFROM for what is new or has changed. */
void contexts_gone(struct session *s);
void contexts_expunged(struct session *s, uint32_t i);
/* Others have changed message i: it is looked at again by the next contexts_update. */
void contexts_touch(struct session *s, uint32_t i);
void contexts_update(struct session *s);

#endif

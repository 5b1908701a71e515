/* Flags and keywords between the wire and the store (RFC 3501 2.3.2). */
#ifndef POSTERN_IMAP_FLAGS_H
#define POSTERN_IMAP_FLAGS_H

#include <skalibs/stralloc.h>

#include "imap/session.h"

struct flag_list {
	unsigned int flags;    /* enum message_flag */
	char const **keywords; /* names, null-terminated */
	size_t count;
};

/* A flag-list in parentheses, or with bare set flags without them (STORE). */
int flags_parse(struct parse *p, struct flag_list *out, int bare);
/* Keyword names as the folder's set, made where new: null, or the tagged reply. */
char const *flags_keywords(struct session *s, struct flag_list const *l, struct keyword_set *set);

/* May none of these be changed in the selected folder (RFC 4314 section 4)? */
int flags_refused(struct session const *s, struct flag_list const *l);

/* Sends "(\Seen $Junk)" of message i. */
void flags_put(struct session *s, uint32_t i);
/* Sends "* n FETCH ", or "* uid UIDFETCH " to a client that wants UIDs only (RFC 9586 3.3). */
void flags_put_head(struct session *s, uint32_t i);
/* Sends "MODSEQ (n)" of message i. */
void flags_put_modseq(struct session *s, uint32_t i);
/* Sends "* n FETCH (FLAGS (...))" of message i, with its UID in the UID form of a command, and with
 * UID and MODSEQ to a client that hears of modseqs; for such a client alone also without FLAGS. */
void flags_tell(struct session *s, uint32_t i, int flags);
/* Sends FLAGS, and PERMANENTFLAGS (empty when read-only). */
void flags_announce(struct session *s);
/* The same if the folder has keywords that were not announced. */
void flags_announce_new(struct session *s);

#endif

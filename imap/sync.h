/* What the client is told about changes in the selected folder, and when. */
#ifndef POSTERN_IMAP_SYNC_H
#define POSTERN_IMAP_SYNC_H

#include "imap/session.h"

#define SYNC_ALL (FOLDER_EXPUNGED | FOLDER_NEW | FOLDER_FLAGS)

/* Looks what changed in the selected folder (nothing if there is none) and tells what is in `what`
 * (enum folder_event): EXPUNGE or VANISHED, EXISTS and RECENT, FETCH FLAGS. A folder that is gone
 * ends the session with BYE. */
void sync_tell(struct session *s, unsigned int what);
/* The same without looking at the disk: what this session did itself. */
void sync_report(struct session *s, unsigned int what);

/* EXISTS of the selected folder, and RECENT where that is told. */
void sync_tell_count(struct session *s);

/* To be called by every CONDSTORE enabling command (RFC 7162 3.1), as soon as it is known to be
 * one: the first tells HIGHESTMODSEQ of the selected folder. */
void sync_condstore(struct session *s);
/* Before a folder's modseqs are told: gives those that changed for good. Nothing for a client that
 * does not hear of them. */
void sync_modseqs(struct session *s);
/* HIGHESTMODSEQ of the folder that was just selected; it counts as said. */
uint64_t sync_begin(struct session *s);
/* After all was told: the HIGHESTMODSEQ that the client has to hear, or 0 (RFC 7162 3.2, 3.2.7):
 * messages went, or it would make a higher one of what it has seen. It counts as said. */
uint64_t sync_highest(struct session *s);
/* "* OK [HIGHESTMODSEQ n]"; 0: nothing. */
void sync_say(struct session *s, uint64_t highest);

#endif

/* What the client is told about changes in the selected folder, and when. */
#ifndef POSTERN_IMAP_SYNC_H
#define POSTERN_IMAP_SYNC_H

#include "imap/session.h"

#define SYNC_ALL (FOLDER_EXPUNGED | FOLDER_NEW | FOLDER_FLAGS)

/* Looks what changed in the selected folder (nothing if there is none) and tells what is in `what`
 * (enum folder_event): EXPUNGE, EXISTS and RECENT, FETCH FLAGS. A folder that is gone ends the
 * session with BYE. */
void sync_tell(struct session *s, unsigned int what);
/* The same without looking at the disk: what this session did itself. */
void sync_report(struct session *s, unsigned int what);

#endif

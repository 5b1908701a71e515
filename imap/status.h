/* STATUS items (RFC 3501 6.3.10, RFC 7162 3.1.6, 7889, 8438, 8474, 9208 4.1.4), for STATUS, LIST
 * RETURN (STATUS (...)) and NOTIFY. */
#ifndef POSTERN_IMAP_STATUS_H
#define POSTERN_IMAP_STATUS_H

#include "imap/session.h"

enum status_item {
	STATUS_MESSAGES = 1,
	STATUS_RECENT = 2,
	STATUS_UIDNEXT = 4,
	STATUS_UIDVALIDITY = 8,
	STATUS_UNSEEN = 16,
	STATUS_SIZE = 32,
	STATUS_DELETED = 64,
	STATUS_DELETED_STORAGE = 128,
	STATUS_HIGHESTMODSEQ = 256,
	STATUS_MAILBOXID = 512,
	STATUS_APPENDLIMIT = 1024,
};

/* "(MESSAGES UNSEEN)": bits of the items. HIGHESTMODSEQ enables CONDSTORE (RFC 7162 3.1). */
int status_parse(struct session *s, struct parse *p, unsigned int *items);
/* Sends "* STATUS name (...)". 0 or -1 (errno). */
int status_tell(struct session *s, char const *name, unsigned int items);
/* The same of what is known already. */
struct folder_status;
void status_put(
    struct session *s, char const *name, unsigned int items, struct folder_status const *st);
/* What folder_status needs for these items. */
unsigned int status_needs(unsigned int items);

#endif

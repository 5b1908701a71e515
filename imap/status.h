/* STATUS items (RFC 3501 6.3.10, RFC 8438), for STATUS and LIST RETURN (STATUS (...)). */
#ifndef POSTERN_IMAP_STATUS_H
#define POSTERN_IMAP_STATUS_H

#include "imap/session.h"

/* "(MESSAGES UNSEEN)": bits of the items. */
int status_parse(struct parse *p, unsigned int *items);
/* Sends "* STATUS name (...)". 0 or -1 (errno). */
int status_tell(struct session *s, char const *name, unsigned int items);

#endif

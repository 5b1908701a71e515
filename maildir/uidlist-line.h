/* Taking dovecot-uidlist apart; for uidlist.c and uidlist-line.c. */
#ifndef POSTERN_MAILDIR_UIDLIST_LINE_H
#define POSTERN_MAILDIR_UIDLIST_LINE_H

#include "maildir/uidlist.h"

/* "3 V.. N.. G.. ..." or, of versions 1 and 2, "1 VALIDITY NEXT". 1, or 0 if it is none. */
int uidlist_parse_header(struct uidlist *u, char const *s, char const *end);
/* Takes a record's line apart. 1, or 0 if it is none. */
int uidlist_parse_line(int version, struct uidlist_line *l, char const *s, char const *end);

#endif

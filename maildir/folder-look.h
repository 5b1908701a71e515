/* An update in progress: what it compares, and the look at the disk; folder-update.c draws the
 * conclusions. */
#ifndef POSTERN_MAILDIR_FOLDER_LOOK_H
#define POSTERN_MAILDIR_FOLDER_LOOK_H

#include "maildir/folder-state.h"
#include "maildir/scan.h"

/* How often to look before what is missing is left for another time. */
#define LOOKS 6
#define LOOKS_OPEN 40 /* a first look has nothing to fall back on */

struct update {
	struct folder *f;
	struct scan s;
	int struck;		   /* the lines without a file were struck out */
	int network;		   /* other hosts may change the directories */
	uint32_t missing;	   /* records and lines without a file */
	uint32_t absent_uid;	   /* the smallest UID of a line without a file */
	struct numbers absent;	   /* where such lines begin, and their UIDs */
	struct numbers superseded; /* the same of base names that have a later line */
};

/* The next position from `from` on whose record has no file that was seen, or u->s.known. */
uint32_t update_next_unseen(struct update const *u, uint32_t from);
/* Reads what is new in dovecot-uidlist and gives the files found their UIDs; all of it again where
 * that is due. As uidlist_read; ESTALE: another UIDVALIDITY. */
int update_read_uidlist(struct update *u);
/* Looks at these directories (SCAN_*) until what is missing is surely missing, at most `looks`
 * times. 0 or -1. */
int update_look(struct update *u, unsigned int which, int looks);

/* ---- folder-number.c ---- */
/* Gives UIDs to files that have none; strike_absent: strikes out the lines without a file. 0 or -1.
 */
int update_number(struct update *u, int strike_absent);

/* ---- folder-update.c ---- */
/* Records whose files are surely not there, and those whose UID now belongs to nobody, are gone. */
void update_gone(struct update *u);

#endif

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
	struct basemap map; /* of the records; made when first needed */
	int mapped;
	int struck;		   /* the lines without a file were struck out */
	int locked;		   /* the folder's lock is ours */
	int network;		   /* other hosts may change the directories */
	uint32_t missing;	   /* records and lines without a file */
	uint32_t absent_uid;	   /* the smallest UID of a line without a file */
	struct numbers absent;	   /* where such lines begin, and their UIDs */
	struct numbers superseded; /* the same of base names that have a later line */
	uint32_t known;		   /* positions when it looked */
	unsigned char *seen; /* per position: its file was found, or its directory not looked at */
};

/* The position of a base name's record, or BASEMAP_NONE. */
uint32_t update_record(struct update *u, char const *base, size_t len);
/* Reads what is new in dovecot-uidlist and gives the files found their UIDs; all of it again where
 * that is due. As uidlist_read; ESTALE: another UIDVALIDITY. */
int update_read_uidlist(struct update *u);
/* Looks at these directories (SCAN_*) until what is missing is surely missing, at most `looks`
 * times. 0 or -1. */
int update_look(struct update *u, unsigned int which, int looks);

#endif

/* One look at cur/ and new/ of a folder: the files that are there, by base name. */
#ifndef POSTERN_MAILDIR_SCAN_H
#define POSTERN_MAILDIR_SCAN_H

#include "maildir/basemap.h"
#include "maildir/folder-state.h"

#define SCAN_NEW 1
#define SCAN_CUR 2

struct found {
	uint32_t name;	    /* offset in scan.names */
	uint32_t uid, line; /* 0: none known */
	uint32_t msg;	    /* the position of its record, or BASEMAP_NONE */
	uint32_t hash;	    /* of its base name */
	uint8_t name_len, base_len;
	uint8_t in_new, recent, plain;
};

struct scan {
	unsigned int which; /* SCAN_NEW | SCAN_CUR: what was looked at */
	int still;	    /* the stamps were the same before and after */
	int stable;	    /* nothing moved meanwhile: what is not here was not there */
	struct found *f;
	uint32_t count, room;
	stralloc names;
	struct basemap map;	       /* base names to indexes of f */
	struct stamp cur, new;	       /* as they were before */
	struct stamp cur_end, new_end; /* and when all was read */
};

/* Reads the directories. With FOLDER_TAKE_NEW, files of new/ go to cur/. 0 or -1; scan_free after
 * both. */
int scan_run(struct scan *s, struct folder *f, unsigned int which);
/* Makes the look stable if `before` found all as this one did: a change between the two would show
 * in the stamps, as the clock had moved on. */
void scan_confirm(struct scan *s, struct scan const *before);
/* Makes the look unstable if something moved since: what was read elsewhere meanwhile may be newer.
 */
void scan_recheck(struct scan *s, struct folder *f);
void scan_free(struct scan *s);

#endif

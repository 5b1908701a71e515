/* One message as the index holds it, on disk and in memory. */
#ifndef POSTERN_MAILDIR_RECORD_H
#define POSTERN_MAILDIR_RECORD_H

#include <stdint.h>

#include "maildir/keywords.h"
#include "maildir/name.h"

enum record_state {
	RECORD_NEW = 1,	 /* its file is in new/ */
	RECORD_GONE = 2, /* its file is no more; to be told */
	RECORD_DERIVED =
	    4, /* its file is called what name_format makes of the stored name and the flags */
	RECORD_CHANGED = 8,  /* others changed its flags; to be told */
	RECORD_DIRTY = 16,   /* changed since it was last written to the index */
	RECORD_REMOVED = 32, /* gone, and told */
	RECORD_HIDDEN = 256, /* with REMOVED: left out of what this session tells, as it was gone at
				the beginning */
	RECORD_FRESH = 128,  /* changed; its modseq is given when it is written to the index */
	RECORD_PLAIN = 64    /* its line has no keys: no other EMAILID than the base name */
};
#define RECORD_LASTING                                                                             \
	(RECORD_NEW | RECORD_GONE | RECORD_DERIVED | RECORD_PLAIN) /* what the index keeps of it   \
								    */

#define DATE_UNKNOWN INT64_MIN

struct record {
	uint64_t modseq;
	int64_t date;	     /* mtime, or DATE_UNKNOWN */
	uint64_t disk, wire; /* octets, or NAME_UNKNOWN */
	struct keyword_set keywords;
	uint64_t text; /* offset of its entry in postern-text; 0: none */
	uint32_t uid;
	uint32_t name;	/* offset of its stored name; see folder_stored */
	uint32_t line;	/* offset of its line in dovecot-uidlist; 0: none */
	uint32_t hash;	/* basemap_hash of its base name */
	uint32_t state; /* enum record_state */
	uint8_t name_len, base_len;
	uint8_t flags; /* enum message_flag */
	uint8_t pad;
};

#endif

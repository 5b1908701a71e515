/* The inside of struct folder, shared by the folder-*.c files and transfer.c; not for callers. */
#ifndef POSTERN_MAILDIR_FOLDER_STATE_H
#define POSTERN_MAILDIR_FOLDER_STATE_H

#include <stdint.h>
#include <time.h>
#include <sys/types.h>
#include <skalibs/stralloc.h>

#include "maildir/basemap.h"
#include "maildir/folder.h"
#include "maildir/keywords.h"
#include "maildir/uidlist.h"

enum record_state {
	RECORD_NEW = 1,	    /* its file is in new/ */
	RECORD_GONE = 2,    /* its file is no more; to be told */
	RECORD_CHANGED = 4, /* others changed its flags; to be told */
	RECORD_SEEN = 8	    /* during an update: it was found, or its directory not looked at */
};

#define DATE_UNKNOWN INT64_MIN

#define DIRTY_CUR 1
#define DIRTY_NEW 2

/* One message: 56 octets, beside its name in folder.names. */
struct record {
	uint32_t uid;
	uint32_t name; /* offset in folder.names */
	uint32_t line; /* offset of its line in dovecot-uidlist; 0: none */
	uint8_t name_len, base_len;
	uint8_t flags;	     /* enum message_flag */
	uint8_t state;	     /* enum record_state */
	int64_t date;	     /* mtime, or DATE_UNKNOWN */
	uint64_t disk, wire; /* or NAME_UNKNOWN */
	struct keyword_set keywords;
};

/* What a directory looked like when it was read. A stamp that was young then proves nothing: a
 * change within the clock's tick would leave it as it is (git's racy time stamps). */
struct stamp {
	struct timespec mtime;
	ino_t ino;
	int racy;
	long long adopted; /* ms: moved on by changes of our own since; to be verified. 0: not */
};

/* A change of the keywords beyond the letters, to be written by folder_commit. */
struct beyond {
	uint32_t index;
	struct keyword_set add, remove;
};

struct folder {
	int fd_root, fd_dir, fd_cur, fd_new;
	char *dir;
	unsigned int options;
	struct quota *quota;
	uint32_t validity;
	struct uidlist uidlist;
	struct keywords keywords;
	struct record *msg; /* ascending UIDs */
	uint32_t count, room, announced;
	uint32_t highest; /* the largest UID that ever was a record */
	stralloc names;
	size_t waste; /* octets of names that no record uses */
	struct stamp cur, new;
	unsigned int pending; /* enum folder_event */
	int reread; /* lines of the uidlist went by unused: read all of it at the next update */
	/* what folder_commit has to do */
	unsigned int dirty; /* DIRTY_*: which directories have changes of ours */
	struct beyond *beyond; /* keywords beyond the letters that changed */
	uint32_t beyond_len, beyond_room;
	int64_t quota_bytes, quota_count;
};

static inline char const *
record_name(struct folder const *f, struct record const *r)
{
	return f->names.s + r->name;
}
static inline int
record_fd(struct folder const *f, struct record const *r)
{
	return r->state & RECORD_NEW ? f->fd_new : f->fd_cur;
}
/* The directory of this record is to be synced. */
static inline void
folder_dirty(struct folder *f, struct record const *r)
{
	f->dirty |= r->state & RECORD_NEW ? DIRTY_NEW : DIRTY_CUR;
}

/* ---- folder-names.c ---- */
/* Gives a record another file name (copied). */
void record_rename(struct folder *f, struct record *r, char const *name, size_t len);
/* The name as a C string; good until the next name is added. */
char *record_path(struct folder *f, struct record const *r);
/* Base names to indexes, of all records. */
void folder_map(struct folder const *f, struct basemap *m);

/* ---- folder-update.c ---- */
enum update_mode {
	UPDATE_FULL = 1,    /* look at everything, whatever the stamps say */
	UPDATE_NO_UIDS = 2, /* take no lock; files without a UID are left for another time */
	UPDATE_OPEN = 4	    /* the first time */
};
/* Compares the disk with the records. 0 or -1. */
int folder_update(struct folder *f, unsigned int mode);
/* The file of record i is not where it was: looks for it. 0, or -1 with ENOENT if it is gone. */
int folder_locate(struct folder *f, uint32_t i);

/* ---- stamp.c ---- */
/* Was the directory changed since *s, or can that not be excluded? */
int stamp_due(struct stamp const *s, int fd);
/* The stamp of a directory as it is now. */
void stamp_take(struct stamp *s, int fd);
int stamp_same(struct stamp const *a, struct stamp const *b);
/* Around a change of our own: begin says whether only we changed it so far; end adopts the new
 * stamp if so. */
int stamp_begin(struct stamp const *s, int fd);
void stamp_end(struct stamp *s, int fd, int ours);

/* ---- folder-change.c ---- */
/* Removes record i's file, wherever others have renamed it to; gone is gone. 0 or -1. */
int folder_unlink(struct folder *f, uint32_t i);

/* ---- folder-keywords.c ---- */
/* A record's keywords beyond the letters are these; to be told if they were others. */
void folder_take_set(struct folder *f, uint32_t i, struct keyword_set const *beyond);
/* A record's keywords are about to become k: what of it folder_write_beyond has to write. */
void folder_note_beyond(struct folder *f, uint32_t i, struct keyword_set const *k);
/* Writes these changes, durably. 0, or -1: they are undone. */
int folder_write_beyond(struct folder *f);
/* Writes postern-keywords anew when most of it is superseded. */
void folder_compact_keywords(struct folder *f);
#endif

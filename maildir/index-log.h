/* postern-index.log: what changed since the snapshot, appended under the folder's lock. Each entry
 * is checksummed; the first that is torn or foreign ends the log, and the next writer cuts it off.
 * Format: doc/store.md. */
#ifndef POSTERN_MAILDIR_INDEX_LOG_H
#define POSTERN_MAILDIR_INDEX_LOG_H

#include <stdint.h>
#include <sys/types.h>
#include <skalibs/stralloc.h>

#include "maildir/index.h"

enum log_type {
	LOG_MESSAGE =
	    1, /* struct record, then its stored name (none: as it was): the message is now so */
	LOG_EXPUNGE = 2, /* struct log_expunge: gone and told */
	LOG_STATE = 3,	 /* struct index_state: what precedes agrees with this */
};
struct log_expunge {
	uint64_t modseq;
	uint64_t uid;
};

struct index_log {
	uint64_t id;	 /* of the snapshot it belongs to */
	ino_t ino;	 /* of the file; 0: not seen yet */
	uint64_t parsed; /* octets read so far; 0: not even its header */
};
/* clang-format off */
#define INDEX_LOG_ZERO {0, 0, 0}
/* clang-format on */

/* What a reader does with entries; the pointers are good during the call only. */
struct log_reader {
	void (*message)(void *arg, struct record const *r, char const *name, size_t len);
	void (*expunge)(void *arg, struct log_expunge const *e);
	void (*state)(void *arg, struct index_state const *s);
	void *arg;
};

/* Reads on. 0 nothing new; 1 entries were read; 2 the log there is now belongs to another snapshot,
 * or there is none: nothing was read; -1 errno. */
int index_log_read(struct index_log *l, int fd_dir, struct log_reader const *to);
/* Octets of entries beyond what was read, without reading. */
int index_log_changed(struct index_log const *l, int fd_dir);

/* Entries, made in memory. */
void index_log_message(stralloc *out, struct record const *r, char const *name, size_t len);
void index_log_expunge(stralloc *out, struct log_expunge const *e);
void index_log_state(stralloc *out, struct index_state const *s);
/* Lock held, everything read: appends entries. 0 or -1: nothing was. */
int index_log_append(struct index_log *l, int fd_dir, stralloc const *entries);
/* Lock held: begins the log of a new snapshot. 0 or -1. */
int index_log_begin(struct index_log *l, int fd_dir, uint64_t id);

#endif

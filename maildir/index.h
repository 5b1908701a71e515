/* postern-index, the snapshot of a folder: an immutable file, mapped copy-on-write, so that
 * sessions share what none of them changed. It is disposable: whatever is wrong with it, it is as
 * if it were not there. Format: doc/store.md. */
#ifndef POSTERN_MAILDIR_INDEX_H
#define POSTERN_MAILDIR_INDEX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "maildir/record.h"

#define INDEX_NAME "postern-index"
#define INDEX_TMP_NAME "postern-index.tmp"
#define INDEX_LOG_NAME "postern-index.log"
#define INDEX_VERSION 2
#define INDEX_ORDER UINT32_C(0x01020304) /* tells files of machines with another byte order */
#define INDEX_BLOCK 256			 /* records per checksum */
#define INDEX_SLOTS 1024		 /* slots of the table of base names per checksum */

/* A directory's stamp (maildir/folder-state.h). */
struct index_stamp {
	int64_t sec;
	uint64_t ino;
	uint32_t nsec;
	uint32_t settled; /* nothing can have happened that it does not show */
};

/* With what of the disk the records agree. */
struct index_state {
	struct index_stamp cur, new;
	uint64_t uidlist_ino, uidlist_parsed;
	uint32_t uidlist_lines, uidlist_dead, uidlist_last, uidlist_next;
	uint32_t uidlist_mark; /* checksum of what precedes uidlist_parsed; see uidlist_resume */
	uint32_t validity;
	uint32_t highest;     /* the largest UID that ever was a record */
	uint32_t struck_nsec; /* of dovecot-uidlist: see struct uidlist */
	int64_t struck_sec;
	uint64_t modseq; /* the highest */
};

/* Sums over all messages. */
struct index_totals {
	uint64_t wire; /* of those whose size is known */
	uint32_t unsized, unseen, deleted, in_new, gone;
	uint32_t first_unseen; /* no position below this one is of a message without \Seen */
};

struct index_header {
	char magic[8];
	uint32_t version, order, record_size, block;
	uint64_t id; /* random; the log bears it, too */
	uint64_t size, records_at, table_at, sums_at, order_at;
	uint64_t names_at, names_len, keywords_at, keywords_len;
	uint32_t count, slots;
	uint32_t pad;
	uint32_t crc; /* of this header with 0 here and of the checksums, which follow it */
	struct index_state state;
	struct index_totals totals;
	uint64_t text_id, text_parsed;
	uint64_t postern_ino, postern_parsed; /* of postern-keywords */
};

struct index {
	char *base; /* null: no snapshot */
	size_t size;
	int mapped; /* else it was read */
	int fd_dir; /* of the folder; the caller's */
	uint64_t id;
	ino_t ino;
	uint32_t count;
	size_t names_len;
	struct record *rec;
	char const *names;
	/* By basemap_hash of a base name, modulo their number, which is a power of two, and on
	 * from there up to an empty one: positions + 1. 0: empty. */
	uint32_t const *table;
	uint32_t slots;
	/* Positions in the order in which cur/ gave the names, and basemap_sum of these; only
	 * hints, under no checksum. */
	uint32_t const *order;
	uint64_t const *order_sums;
	uint32_t const *sums;
	unsigned char *good; /* per checksum: what it is of was verified */
};
/* clang-format off */
#define INDEX_ZERO {.fd_dir = -1}
/* clang-format on */

/* Maps the snapshot of a folder. 1; 0: there is none that can be used; -1: errno. */
int index_open(struct index *x, int fd_dir);
void index_close(struct index *x);
/* Gives back what of the mapping is only read: the next look brings it again. */
void index_rest(struct index *x);
static inline struct index_header const *
index_header(struct index const *x)
{
	return (struct index_header const *)(void const *)x->base;
}
/* Verifies a block of records, or of the table. A damaged one was written by nobody, or a disk lost
 * it: the index is removed, and the program ends (lib/sigbus.h), as when the file had been
 * shortened. */
void index_verify(struct index const *x, uint32_t block);
void index_verify_slots(struct index const *x, uint32_t block);
/* The record at a position below count. */
static inline struct record *
index_record(struct index const *x, uint32_t position)
{
	if (!x->good[position / INDEX_BLOCK])
		index_verify(x, position / INDEX_BLOCK);
	return x->rec + position;
}
/* What a slot of the table holds; i counts on over its end. No table: 0. */
uint32_t index_slot(struct index const *x, uint32_t i);
/* Removes the index's files, as they cannot be believed. */
void index_discard(int fd_dir);

/* A snapshot being written; lock held. Records come in ascending order of UID. */
struct index_writer;
/* Begins postern-index.tmp for `count` records. Null: errno. */
struct index_writer *index_write_begin(int fd_dir, uint32_t count);
/* Adds a record; r->name is ignored, its file is called name[0..len). */
void index_write_add(struct index_writer *w, struct record const *r, char const *name, size_t len);
/* Completes it: h brings state, totals, id and what belongs to text and keywords; order has
 * `count` positions; keywords is the names beyond the letters as postern-keywords has them ("K n
 * name\n"). Puts it in place. 0 or -1; frees w. */
int index_write_end(struct index_writer *w, struct index_header *h, uint32_t const *order,
    char const *keywords, size_t keywords_len);

#endif

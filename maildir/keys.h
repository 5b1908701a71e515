/* postern-keys: what SORT, THREAD and SEARCH ask of every message of a folder, in columns, one file
 * per folder, immutable, disposable. Rows are messages in ascending order of UID. A column is made
 * when it is first asked for; then, and when too much has come or gone, the file is written anew
 * beside the old one and renamed over it. It is mapped, never written in place. Format:
 * doc/store.md. */
#ifndef POSTERN_MAILDIR_KEYS_H
#define POSTERN_MAILDIR_KEYS_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <skalibs/stralloc.h>

#include "lib/message-text.h"
#include "lib/siphash.h"

#define KEYS_NAME "postern-keys"
#define KEYS_MAGIC "postern-keys\n\032\r\n" /* 16 octets */
#define KEYS_ORDER 0x0A0B0C0Du
#define KEYS_VERSION 1u
#define KEYS_PLACES 16 /* columns that the header has room for */

/* Those from KEYS_DATE to KEYS_DISPLAYTO begin with a number per row that compares as what the
 * message is sorted by; behind these are the rows in that order (4 octets each). */
enum keys_column {
	KEYS_ROWS,    /* struct keys_row: whose row it is */
	KEYS_DATE,    /* int64_t: struct message_sort's date; then rows */
	KEYS_SUBJECT, /* uint32_t: the place of the string among all different ones; then rows */
	KEYS_FROM,
	KEYS_TO,
	KEYS_CC,
	KEYS_DISPLAYFROM,
	KEYS_DISPLAYTO,
	KEYS_THREAD,	 /* struct keys_thread; then their references */
	KEYS_IN_SUBJECT, /* uint32_t: where the row's text ends; then these texts (keys-make.c) */
	KEYS_IN_FROM,
	KEYS_IN_TO,
	KEYS_IN_CC,
	KEYS_COLUMNS
};
_Static_assert(KEYS_COLUMNS <= KEYS_PLACES, "columns");

struct keys_row {
	uint32_t uid;
	uint32_t hash; /* basemap_hash of its base name: whose UID it was when this was written */
};

/* Hashes by the header's key (keys_hash). */
struct keys_thread {
	uint64_t id; /* of its message id; 0: none */
	uint64_t
	    subject; /* of its base subject, the lowest bit set if it was a reply's; 0: empty */
	uint32_t refs, count; /* its references: from which one on, how many (8 octets each) */
};

struct keys_place {
	uint64_t at, len; /* len 0: it was not made */
	uint32_t sum;	  /* CRC-32C */
	uint32_t zero;
};

struct keys_header {
	char magic[16];
	uint32_t order, version;
	uint64_t snapshot; /* rows are the positions of this postern-index; 0: of none */
	uint32_t validity; /* UIDVALIDITY */
	uint32_t rows;
	struct siphash_key key;
	struct keys_place place[KEYS_PLACES];
	uint32_t zero;
	uint32_t sum; /* CRC-32C of what stands before it */
};
_Static_assert(sizeof(struct keys_header) == 448 && sizeof(struct keys_thread) == 24, "no padding");

/* ---- keys.c: reading ---- */
/* The fields of the columns from KEYS_IN_SUBJECT on. */
extern char const *const keys_fields[KEYS_COLUMNS - KEYS_IN_SUBJECT];
/* In a folder that is shared others may write this file, also while it is mapped: what is read of it
 * says nothing sure, and is no sooner an index than it has been compared. The header is a copy. */
struct keys {
	char const *map; /* null: not open */
	size_t size;
	time_t mtime;
	struct keys_header h;
	unsigned int sound, bad; /* bits of columns that were checked */
	int damaged;		 /* not open, as it is no whole file of any version */
};
#define KEYS_ZERO                                                                                  \
	{                                                                                          \
		0                                                                                  \
	}
/* A number of a column, read once: what is compared is what is used. */
static inline uint32_t
keys_number(uint32_t const *p)
{
	return *(uint32_t const volatile *)p;
}

/* Maps the folder's file. 1; 0: there is none that can be used here (another version, damaged, a
 * network's file system). */
int keys_open(struct keys *k, int fd_dir);
void keys_close(struct keys *k);
/* A column, its checksum compared when it is first asked for; aligned to eight octets, and as long as
 * its rows ask for at least. Null: not there, or damaged. */
void const *keys_column(struct keys *k, enum keys_column c, size_t *len);
/* The hash of an id: not 0. */
static inline uint64_t
keys_hash(struct siphash_key const *key, char const *s, size_t len)
{
	return siphash(key, s, len) | 1;
}
/* The same of a base subject; its lowest bit tells whether it was a reply's. 0: an empty one. */
static inline uint64_t
keys_subject(struct siphash_key const *key, struct message_sort const *k)
{
	if (!k->subject_len)
		return 0;
	uint64_t const h = siphash(key, k->subject, k->subject_len) | 2;
	return k->reply ? h | 1 : h & ~UINT64_C(1);
}

/* ---- keys-write.c: a new file ---- */
struct keys_writer {
	int fd_dir, fd_tmp, fd;
	char name[64]; /* in tmp/ */
	struct keys_header h;
	stralloc out; /* what is not written yet */
	uint64_t at;  /* octets so far */
	int c;	      /* the column at hand; -1: none */
	int failed;   /* errno */
};
/* Begins a file of so many rows. h->validity, snapshot, rows and key are the caller's. 0 or -1:
 * then nothing is to be freed. */
int keys_write_begin(struct keys_writer *w, int fd_dir, struct keys_header const *h);
/* The next octets of a column; those of one come together. Errors wait for keys_write_end. */
void keys_write_column(struct keys_writer *w, enum keys_column c);
void keys_write(struct keys_writer *w, void const *s, size_t len);
/* Puts the file in place; with ok 0 it is dropped. 0 or -1: all is as it was (EFBIG
 * MAILDIR_KEYS_FILE, ENOSPC also MAILDIR_KEYS_FREE). Frees w. */
int keys_write_end(struct keys_writer *w, int ok);

#endif

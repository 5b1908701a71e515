/* The keywords of a folder. Numbers 0 to 25 are the letters a to z, named by dovecot-keywords;
 * those beyond are named in postern-keywords, which also holds, per base name, which of them a
 * message has (format: doc/store.md). Names are compared without regard to case. Written under the
 * folder's lock. */
#ifndef POSTERN_MAILDIR_KEYWORDS_H
#define POSTERN_MAILDIR_KEYWORDS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <skalibs/stralloc.h>

#include "maildir/limits.h"
#include "maildir/lock.h"

/* A set of keyword numbers. */
struct keyword_set {
	uint64_t bits[MAILDIR_KEYWORDS / 64];
};
/* clang-format off */
#define KEYWORD_SET_ZERO {{0, 0}}
/* clang-format on */
static inline int
keyword_has(struct keyword_set const *s, unsigned int n)
{
	return (int)(s->bits[n / 64] >> (n % 64) & 1);
}
static inline void
keyword_add(struct keyword_set *s, unsigned int n)
{
	s->bits[n / 64] |= (uint64_t)1 << (n % 64);
}
static inline int
keyword_none(struct keyword_set const *s)
{
	return !s->bits[0] && !s->bits[1];
}
/* Leaves what is in mask as well. */
static inline void
keyword_keep(struct keyword_set *s, struct keyword_set const *mask)
{
	for (unsigned int i = 0; i < MAILDIR_KEYWORDS / 64; i++)
		s->bits[i] &= mask->bits[i];
}
static inline int
keyword_same(struct keyword_set const *a, struct keyword_set const *b)
{
	return a->bits[0] == b->bits[0] && a->bits[1] == b->bits[1];
}
/* The letters of a set; whether it has members beyond them. */
#define KEYWORD_LETTER_BITS (((uint64_t)1 << MAILDIR_LETTERS) - 1)
static inline uint32_t
keyword_letters(struct keyword_set const *s)
{
	return (uint32_t)(s->bits[0] & KEYWORD_LETTER_BITS);
}
static inline int
keyword_beyond(struct keyword_set const *s)
{
	return s->bits[0] >> MAILDIR_LETTERS || s->bits[1];
}

/* Gives s the members beyond the letters that `from` has, and no others. */
static inline void
keyword_take_beyond(struct keyword_set *s, struct keyword_set const *from)
{
	s->bits[0] = (s->bits[0] & KEYWORD_LETTER_BITS) | (from->bits[0] & ~KEYWORD_LETTER_BITS);
	s->bits[1] = from->bits[1];
}

struct keywords {
	char *name[MAILDIR_KEYWORDS]; /* null: nameless, not to be told */
	unsigned int count;	      /* one beyond the largest number in use */
	/* the files as last read */
	struct timespec dovecot_time;
	ino_t dovecot_ino, postern_ino;
	off_t postern_parsed;
	struct keyword_set unsaved; /* numbers whose names no file has yet */
	int dovecot_absent;	    /* dovecot-keywords was not found */
};
/* clang-format off */
#define KEYWORDS_ZERO {{0}, 0, {0, 0}, 0, 0, 0, KEYWORD_SET_ZERO, 0}
/* clang-format on */

/* One message's set beyond the letters, as postern-keywords says; the last one for a base counts.
 */
typedef void keywords_set_fn(
    void *arg, char const *base, size_t base_len, struct keyword_set const *beyond);

/* Reads what is new; fn may be null. 0 nothing new, 1 names or sets were added, 2 postern-keywords
 * is another file (sets given before are void), -1 error. */
int keywords_read(struct keywords *k, int fd_dir, keywords_set_fn *fn, void *arg);
/* The number of a keyword, or -1 if the folder has none of that name. */
int keywords_find(struct keywords const *k, char const *name, size_t len);
/* The same; a new one gets a number (in memory: keywords_save makes it last). -1 with EOVERFLOW
 * (the folder has MAILDIR_KEYWORDS), EINVAL (not an atom of RFC 3501, or longer than
 * MAILDIR_KEYWORD_MAX). */
int keywords_make(struct keywords *k, char const *name, size_t len);
/* Writes new names, durably. Lock held, after keywords_read. 0, or -1: the new names are forgotten.
 */
int keywords_save(struct keywords *k, int fd_dir);
/* Appends the sets beyond the letters of n messages to postern-keywords and syncs. Lock held. 0 or
 * -1. */
struct keywords_line {
	char const *base;
	size_t base_len;
	struct keyword_set set; /* letters in it are ignored */
};
int keywords_append(struct keywords *k, int fd_dir, struct keywords_line const *line, size_t n);
/* Writes postern-keywords anew with these sets only. Lock held. 0 or -1. */
int keywords_rewrite(struct keywords *k, int fd_dir, struct keywords_line const *line, size_t n);
/* The names beyond the letters, as lines of postern-keywords; and back. */
void keywords_put_names(struct keywords const *k, stralloc *out);
void keywords_take_names(struct keywords *k, char const *lines, size_t len);
void keywords_free(struct keywords *k);

#endif

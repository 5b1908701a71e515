/* The texts of a message that has just arrived, written into the folder's postern-text by who has
 * the message in hand: mda-local, APPEND. A courtesy to the first reader, who would make them: it
 * never waits for the folder's lock, and what fails is left out in silence. */
#ifndef POSTERN_MAILDIR_TEXT_DELIVER_H
#define POSTERN_MAILDIR_TEXT_DELIVER_H

#include <stdint.h>
#include <skalibs/stralloc.h>

#include "lib/charset.h"

/* 1 if a folder's texts are kept: it has an index. dir: the folder's directory. */
int text_wanted(char const *dir);

/* Appends (text_format) the entry of the message whose file content is size octets of fd and whose
 * file name is `file`. Of more than MAILDIR_TEXT_MESSAGE octets the header's texts alone.
 * otherwise: lib/charset.h, null for a program without iconv. 0, or -1: nothing was appended. */
int text_make(stralloc *entry, char const *file, int fd, uint64_t size, charset_open_fn *otherwise);

/* Entries of one folder that wait to be appended together: the lock costs more than they do. */
struct text_batch {
	stralloc dir, entries;
};
#define TEXT_BATCH_ZERO                                                                            \
	{                                                                                          \
		STRALLOC_ZERO, STRALLOC_ZERO                                                       \
	}
#define TEXT_BATCH_MAX 65536 /* octets of entries above which they no longer wait */

/* Makes the texts of a message in dir, as text_make, and has them wait; what waits for another
 * folder is appended first. */
void text_batch_add(struct text_batch *b, char const *dir, char const *file, int fd, uint64_t size,
    charset_open_fn *otherwise);
/* Appends what waits to the folder's file, if it has an index and its lock is free; nothing waits
 * any more. */
void text_batch_flush(struct text_batch *b);
static inline int
text_batch_waits(struct text_batch const *b)
{
	return b->entries.len != 0;
}

#endif

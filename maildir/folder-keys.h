/* postern-keys (maildir/keys.h) of an open folder: which row is of which message. */
#ifndef POSTERN_MAILDIR_FOLDER_KEYS_H
#define POSTERN_MAILDIR_FOLDER_KEYS_H

#include "lib/message-text.h"
#include "maildir/folder.h"
#include "maildir/gaps.h"
#include "maildir/keys.h"

struct folder_keys {
	struct keys file;
	struct gaps const *gaps; /* rows whose message is gone */
	struct gaps own;
	uint32_t covered; /* messages [0, covered) have a row, the later ones none yet */
	int moved; /* rows are the snapshot's positions, the file does not say so, and is not new */
};
#define FOLDER_KEYS_ZERO                                                                           \
	{                                                                                          \
		.file = KEYS_ZERO                                                                  \
	}

/* Opens it, if it has all these columns (bits 1 << enum keys_column) and not too much has come and
 * gone since it was written; as long as it is open, nothing of the folder may be reported. 1 or 0;
 * folder_keys_close in any case. */
int folder_keys_open(struct folder_keys *k, struct folder *f, unsigned int columns);
void folder_keys_close(struct folder_keys *k);
/* The row of message i < covered. */
static inline uint32_t
folder_keys_row(struct folder_keys const *k, uint32_t i)
{
	return k->gaps->count ? gaps_position(k->gaps, i) : i;
}
/* The message of a row; UINT32_MAX: none. */
static inline uint32_t
folder_keys_message(struct folder_keys const *k, uint32_t row)
{
	if (!k->gaps->count)
		return row < k->covered ? row : UINT32_MAX;
	uint32_t const before = gaps_before(k->gaps, row);
	if (gaps_before(k->gaps, row + 1) > before || row - before >= k->covered)
		return UINT32_MAX;
	return row - before;
}

/* keys-make.c */
/* TEXT_SORT, TEXT_THREAD, or for TEXT_HEADERS header fields, the common ones at least, of message
 * i; null, and len 0: as an empty message. KEYS_UNREADABLE: it is there, but cannot be read here, so
 * there can be no file; KEYS_STOP: the work is to be given up. */
enum { KEYS_TEXT, KEYS_UNREADABLE, KEYS_STOP };
typedef int keys_text_fn(
    void *arg, uint32_t i, enum message_text which, char const **text, size_t *len);
/* A message's string of a column from KEYS_SUBJECT to KEYS_DISPLAYTO. */
char const *keys_string(struct message_sort const *k, enum keys_column c, size_t *len);
/* Makes these columns, beside those that a file which would do for the rest has, and opens it as
 * folder_keys_open. 0: it cannot be; until the folder is closed it is not tried again, unless the
 * work was given up. */
int folder_keys_make(
    struct folder_keys *k, struct folder *f, unsigned int columns, keys_text_fn *text, void *arg);

#endif

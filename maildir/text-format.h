/* How postern-text lies on disk, for maildir/text*.c. Numbers are in the machine's byte order, of
 * which the header tells; an entry begins at a multiple of eight. */
#ifndef POSTERN_MAILDIR_TEXT_FORMAT_H
#define POSTERN_MAILDIR_TEXT_FORMAT_H

#include <stdint.h>

#include "maildir/text.h"

#define TEXT_MAGIC "postern-text\n\032\r\n" /* 16 octets */
#define TEXT_ORDER 0x0A0B0C0Du
#define TEXT_VERSION 1u
#define TEXT_MARK 0x7E747874u

struct text_header {
	char magic[16];
	uint32_t order, version;
	uint64_t id;
	uint32_t zero;
	uint32_t sum; /* CRC-32C of what stands before it */
};

/* Behind it the base name, the texts in the order of their kinds, zeros, and, as the last four
 * octets, the size once more: by it the last entry is found from the file's end. */
struct text_entry {
	uint32_t mark;
	uint32_t sum;  /* CRC-32C of all that stands behind it, to the entry's end */
	uint32_t size; /* octets of the whole entry, a multiple of eight */
	uint16_t base_len;
	uint16_t has; /* bits 1 << kind */
	uint16_t len[8];
};

_Static_assert(sizeof(struct text_header) == 40 && sizeof(struct text_entry) == 32, "no padding");
_Static_assert(TEXT_KINDS <= 8 && MESSAGE_TEXT_MAX <= UINT16_MAX, "lengths of texts");

#define TEXT_BASE_MAX 255
#define TEXT_TRAILER 4

/* The whole entry at an offset: 1, 0 there is none, -1 errno. It lives in t->window. */
int text_entry_at(struct text_file *t, uint64_t at, char const **entry, struct text_entry *e);
/* The file's length as it is now. 0 or -1. */
int text_file_size(struct text_file const *t, uint64_t *size);
/* Forgets what was read: the file has been changed below its end. */
void text_forget_window(struct text_file *t);

#endif

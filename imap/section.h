/* A section of the message in hand (RFC 3501 6.4.5): what it needs, and where it is. */
#ifndef POSTERN_IMAP_SECTION_H
#define POSTERN_IMAP_SECTION_H

#include "imap/hand.h"
#include "lib/imap-text.h"

/* How much of the message an item needs. */
enum need { NEED_NOTHING, NEED_HEADER, NEED_OCTETS, NEED_WHOLE, NEED_PARTS };
/* What the section needs: the header alone, where that is asked for. */
enum need section_need(struct imap_section const *sec);
/* Reads so much: null (errno) if it cannot be read, and for NEED_NOTHING. */
struct mime_part const *section_load(struct hand *h, enum need need);
/* As imap_section_find, in the message in hand, which it reads; single fields are taken from a
 * header's first LIMIT_HEADER octets, so that what is put together in memory stays small. -1
 * (errno) if it cannot be read. */
int section_find(
    struct imap_section const *sec, struct hand *h, size_t *from, size_t *to, stralloc *fields);

#endif

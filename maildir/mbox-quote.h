/* Lines that could be taken for From_ lines get a ">" more (mboxrd): a filter for octets in any
 * pieces. */
#ifndef POSTERN_MAILDIR_MBOX_QUOTE_H
#define POSTERN_MAILDIR_MBOX_QUOTE_H

#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>

/* A line begins with `marks` times ">" and the first `matched` octets of "From "; these are held
 * back until it is clear what they are. */
struct mbox_quote {
	uint64_t marks;
	unsigned int matched;
	int inside; /* no longer at the line's beginning */
};
/* clang-format off */
#define MBOX_QUOTE_ZERO {0, 0, 0}
/* clang-format on */

/* Appends what s[0..n) becomes. */
void mbox_quote_put(struct mbox_quote *q, stralloc *out, char const *s, size_t n);
/* The end: what is held back goes out, and a line end, if the last line has none. */
void mbox_quote_end(struct mbox_quote *q, stralloc *out);

#endif

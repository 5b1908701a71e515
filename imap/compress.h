/* COMPRESS=DEFLATE (RFC 4978): a layer between the connection's buffers and its descriptors. */
#ifndef POSTERN_IMAP_COMPRESS_H
#define POSTERN_IMAP_COMPRESS_H

#include "lib/net.h"

/* All that is sent and read from now on is compressed. Nothing must be buffered either way. Never
 * fails (out of memory ends the program, lib/sa.h). */
void compress_start(struct net *n);

/* Ends it, and frees its memory, for who goes on with another connection. */
void compress_end(struct net *n);

#endif

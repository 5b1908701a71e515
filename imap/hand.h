/* The message in hand: one at a time is opened, read or mapped, and parsed, each only as far as a
 * command needs. */
#ifndef POSTERN_IMAP_HAND_H
#define POSTERN_IMAP_HAND_H

#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>

#include "imap/session.h"
#include "lib/mime.h"

/* Messages up to this many octets are read, larger ones mapped: a read costs less than a map and
 * its page faults. Also how much is read in search of a header's end. */
#define HAND_READ 65536

struct hand {
	struct folder *folder;
	uint32_t i;
	int fd;	     /* -1: not opened */
	size_t size; /* of the file */
	char *s;     /* its octets s[0..n); n < size while only the header was asked for */
	size_t n;
	int mapped;
	char *buf;		 /* HAND_READ octets, malloced at first use */
	struct mime_part top;	 /* header and body only */
	struct mime_part *parts; /* the whole tree, when parsed */
	struct arena arena;	 /* for what is parsed of this message */
};
#define HAND_ZERO                                                                                  \
	{                                                                                          \
		.fd = -1                                                                           \
	}

/* Takes message i; nothing is read yet. */
void hand_take(struct hand *h, struct folder *f, uint32_t i);
/* The header, at least: the message with header and body told apart; its body may be missing in
 * memory. Null (errno, ENOENT: the message is gone). */
struct mime_part const *hand_header(struct hand *h);
/* The whole message in memory; the same part. */
struct mime_part const *hand_whole(struct hand *h);
/* The whole message and its MIME structure. */
struct mime_part const *hand_parts(struct hand *h);
/* session_stopped before message i is taken, asked when that costs little beside what was done. */
int hand_stopped(struct hand const *h, struct session *s, uint32_t i);
/* Lets go of the message; hand_free of all memory. */
void hand_drop(struct hand *h);
void hand_free(struct hand *h);

/* What IMAP says about message i, as wire text made once from the message in hand. All such texts
 * come from here and nowhere else. */
/* Appended. 0 or -1 (errno). */
int hand_text(struct hand *h, enum message_text which, stralloc *out);

#endif

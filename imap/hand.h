/* The message in hand: one at a time is opened, read or mapped, and parsed, each only as far as a
 * command needs. */
#ifndef POSTERN_IMAP_HAND_H
#define POSTERN_IMAP_HAND_H

#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>

#include "imap/session.h"
#include "lib/message-text.h"
#include "lib/mime.h"

/* Messages up to this many octets are read, larger ones mapped: a read costs less than a map and
 * its page faults. */
#define HAND_READ 262144
/* Octets that are read in search of a header's end. */
#define HAND_START 65536

struct hand {
	struct folder *folder;
	uint32_t i;
	struct ahead *ahead; /* the command's; null: it reads nothing ahead */
	int fd;	     /* -1: not opened, or read ahead */
	size_t size; /* of the file */
	/* its octets s[0..n), null: none yet; n < size while only the header was asked for */
	char *s;
	size_t n;
	int mapped;
	char *buf;			   /* HAND_READ octets, malloced at first use */
	struct mime_part top;		   /* header and body only, */
	int told;			   /* and that they are told apart */
	struct mime_part *parts;	   /* the whole tree, when parsed */
	struct arena arena;		   /* for what is parsed of this message */
	int asked;			   /* the folder was asked for its cached texts */
	struct message_texts cached, made; /* the folder's; ours, in the arena */
	unsigned int tried;		   /* bits of the kinds that were made, or are too long */
	stralloc longer;		   /* a text that is too long to be kept */
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
/* The whole message in memory, as one part whose body is not looked for. */
struct mime_part const *hand_octets(struct hand *h);
/* The whole message in memory; the same part as hand_header's. */
struct mime_part const *hand_whole(struct hand *h);
/* The whole message and its MIME structure. */
struct mime_part const *hand_parts(struct hand *h);
/* session_stopped before message i is taken: each time when messages are opened, else now and then.
 */
static inline int
hand_stopped(struct hand const *h, struct session *s, uint32_t i)
{
	return (h->fd >= 0 || h->s || !(i % 64)) && session_stopped(s);
}
/* Lets go of the message; hand_free of all memory. */
void hand_drop(struct hand *h);
void hand_free(struct hand *h);

/* What IMAP says about message i, as wire text: from the folder's cache, or made from the message,
 * and then kept there with all else that can be made of what is in memory. All such texts come from
 * here and nowhere else. Good until the next text of this hand is asked for, or the folder changes;
 * null (errno) if the message cannot be read. TEXT_HEADERS and the kinds behind are null with errno
 * 0 where they are too long to be kept. */
char const *hand_text(struct hand *h, enum message_text which, size_t *len);
/* The same from the cache alone; null if it is not there. Nothing is opened. */
char const *hand_cached(struct hand *h, enum message_text which, size_t *len);
/* TEXT_SORT or TEXT_THREAD: from the cache; else both are made, from the header fields in the cache
 * if it has them, and kept beside what is there. Null (errno) if the message cannot be read. */
char const *hand_keys(struct hand *h, enum message_text which, size_t *len);
/* The message's folder was changed: what it gave is void. */
void hand_changed(struct hand *h);

#endif

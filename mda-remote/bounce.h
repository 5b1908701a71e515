/* What the parts of notifications share (walk.h has what others call). The text (RFC 3464, 3461 5 and
 * 6, 6533) is pure but for reading the message. */
#ifndef POSTERN_MDA_REMOTE_BOUNCE_H
#define POSTERN_MDA_REMOTE_BOUNCE_H

#include <skalibs/stralloc.h>

#include "mda-remote/envelope.h"
#include "mda-remote/spool.h"

enum bounce_kind {
	BOUNCE_FAILED = 'f',
	BOUNCE_DELAYED = 'd',
	BOUNCE_RELAYED = 's',
	BOUNCE_BY = 'b', /* a delay beyond the time of BY=...;N (RFC 2852 4.1.3) */
};

/* What one notification tells. */
struct bounce {
	enum bounce_kind kind;
	struct envelope const *e; /* of the message */
	int fd;			  /* its file */
	char const *to;		  /* whom it goes to */
	char const *id;		  /* its own, for Message-ID and the boundary */
	struct envelope_rcpt **rcpt;
	unsigned int count;
	struct why const *why; /* attempt.h */
	int64_t now;
	int requiretls; /* as the messages that it tells of (RFC 8689 5) */
	int doubled; /* the message has no sender: it goes to the postmaster */
};

/* The envelope of a notification to b->to, from <>; r is its one recipient, a holds its strings. */
void bounce_envelope(
    struct arena *a, struct envelope *e, struct envelope_rcpt *r, struct bounce const *b, int utf8);

/* ---- bounce-text.c ---- */

/* Writes the notification, the original message or its header in it, LF line ends. */
void bounce_write(struct spool_file *f, struct bounce const *b);
/* The notification needs SMTPUTF8. */
int bounce_utf8(struct bounce const *b);

/* ---- bounce.c, for bounce-recover.c ---- */

/* Its sender is still to be told of a delay, once there is one; or of one beyond BY. */
int bounce_open_delay(struct envelope_rcpt const *r, enum bounce_kind kind);
/* Marks the recipient as told. 0; -1 and errno. */
int bounce_told(int fd, struct envelope_rcpt *r, enum bounce_kind kind);
/* Removes a notification from tmp/; errno stays. */
void bounce_unpark(char const *name);

#endif

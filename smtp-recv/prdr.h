/* PRDR (draft-hall-prdr-00): after the message one reply for each recipient, in the order of their
 * RCPT commands, and a last one for the message. */
#ifndef SMTP_RECV_PRDR_H
#define SMTP_RECV_PRDR_H

#include <stddef.h>

#include "smtp-recv/decide.h"

struct session;
struct transaction;

struct prdr {
	int on;
	char const **given; /* whom the client has named and was told 250, twice the same too */
	size_t count, room;
};

/* After MAIL: whether the client has asked for it. Servers behind this one are not asked. */
void prdr_begin(struct transaction *t);
/* RCPT was accepted. */
void prdr_expect(struct transaction *t, char const *given);
/* There will be one reply for all. */
void prdr_reset(struct prdr *p);
/* The spool takes none of its recipients (VERDICT_TEMP, VERDICT_PERM): its words are theirs. */
void prdr_spool_refused(struct session *s, enum verdict v);
/* 353 and the recipients' replies, which do not count as errors of the client. */
void prdr_replies(struct session *s);

#endif

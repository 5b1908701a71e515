/* The fields that this program puts in front of a message. */
#ifndef SMTP_RECV_RECEIVED_H
#define SMTP_RECV_RECEIVED_H

#include <stdint.h>
#include <skalibs/stralloc.h>

struct received {
	char const *helo; /* what the client said, "" nothing */
	char const *name; /* of the address, confirmed; "" there is none; null: not looked up */
	char const *ip;	  /* "" local; "unknown" */
	char const *me, *id;
	char const *rcpt;	  /* the one recipient, null if there are more */
	char const *tls, *cipher; /* null without TLS */
	int esmtp, auth, utf8;	  /* for the protocol's name */
	int64_t time;
	int zone; /* minutes east */
};

/* RFC 3848, RFC 6531 4.3: "ESMTPSA" and so on. */
char const *received_protocol(struct received const *r);
/* Appends the Received field, lines ended by LF. RFC 5321 4.4. */
void received_write(stralloc *sa, struct received const *r);

#endif

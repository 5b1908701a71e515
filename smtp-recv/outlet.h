/* One LMTP server that recipients are handed to: mda-local, a domain's own, the spool. The
 * connection lives as long as the session and serves one message after another. RFC 2033. */
#ifndef SMTP_RECV_OUTLET_H
#define SMTP_RECV_OUTLET_H

#include "lib/smtp-client.h"
#include "smtp-recv/message.h"

struct outlet {
	char *target;	/* socket path, or ADDRESS:PORT */
	char const *me; /* who says LHLO */
	int connected;
	int stale;		 /* the server holds a transaction that is over: RSET first */
	int begun;		 /* MAIL was accepted for this message */
	unsigned int accepted;	 /* recipients of this message */
	int may_refuse; /* the last recipient's rules may refuse the message when they see it */
	int sent;		 /* this message went along with its recipient */
	struct smtp_reply reply; /* the last one; made up when the server does not answer */
	struct smtp_client *client; /* null: it has not been connected so far */
};

/* A new outlet, not connected; target is copied, me must outlive it. */
struct outlet *outlet_new(char const *target, char const *me);
void outlet_free(struct outlet *o);
/* The text of a message: head, then m. */
struct letter {
	stralloc const *head;
	struct message const *m;
};

/* One recipient; the first one of a message brings MAIL along, connecting where needed. 0 accepted,
 * or -1; the code is in reply (2xx, 4xx or 5xx). All of it ends at `latest`.
 * whole: null, or, for the only recipient of a message, its text. Where the server takes that
 * (PIPELINING, CHUNKING) and it is in memory it goes along, so that all takes one turn; the server
 * keeps nothing of it if it refuses the recipient. */
int outlet_rcpt(struct outlet *o, struct smtp_mail const *mail, char const *id,
    struct smtp_rcpt const *rcpt, struct letter const *whole, tain const *latest);
/* The message, if it has not gone along. 0: outlet_verdict tells one reply per accepted recipient,
 * in their order. -1: reply holds for all of them. */
int outlet_data(struct outlet *o, struct letter const *l, tain const *latest);
/* The next verdict: the code is in reply. Once the server has died this is 451 for all the rest. */
void outlet_verdict(struct outlet *o);
/* The message is over, delivered or not. */
void outlet_reset(struct outlet *o);
void outlet_close(struct outlet *o);

#endif

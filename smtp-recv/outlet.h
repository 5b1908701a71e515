/* One LMTP server that recipients are handed to: mda-local, a domain's own, the spool. The
 * connection lives as long as the session and serves one message after another. RFC 2033. */
#ifndef SMTP_RECV_OUTLET_H
#define SMTP_RECV_OUTLET_H

#include "lib/smtp-client.h"
#include "smtp-recv/message.h"

struct outlet {
	struct smtp_client client;
	char *target;	/* socket path, or ADDRESS:PORT */
	char const *me; /* who says LHLO */
	int connected;
	int stale;		 /* the server holds a transaction that is over: RSET first */
	int begun;		 /* MAIL was accepted for this message */
	unsigned int accepted;	 /* recipients of this message */
	struct smtp_reply reply; /* the last one; made up when the server does not answer */
};

/* A new outlet, not connected; target is copied, me must outlive it. */
struct outlet *outlet_new(char const *target, char const *me);
/* One recipient; the first one of a message brings MAIL along, connecting where needed. 0 accepted,
 * or -1; the code is in reply (2xx, 4xx or 5xx). All of it ends at `latest`. */
int outlet_rcpt(struct outlet *o, struct smtp_mail const *mail, char const *id,
    struct smtp_rcpt const *rcpt, tain const *latest);
/* The message: head, then m. 0: outlet_verdict tells one reply per accepted recipient, in their
 * order. -1: reply holds for all of them. */
int outlet_data(
    struct outlet *o, stralloc const *head, struct message const *m, tain const *latest);
/* The next verdict: the code is in reply. Once the server has died this is 451 for all the rest. */
void outlet_verdict(struct outlet *o);
/* The message is over, delivered or not. */
void outlet_reset(struct outlet *o);
void outlet_close(struct outlet *o);

#endif

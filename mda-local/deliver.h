/* One message's transaction, on the side that has rights: recipients are resolved and checked, the
 * message is delivered, every recipient gets one verdict. doc/delivery.md has the reasons. */
#ifndef POSTERN_MDA_LOCAL_DELIVER_H
#define POSTERN_MDA_LOCAL_DELIVER_H

#include <stddef.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/id.h"
#include "lib/smtp-envelope.h"
#include "mda-local/pool.h"
#include "mda-local/resolve.h"

struct deliver_rcpt {
	char const *address; /* as the sender wrote it */
	size_t *target;	     /* numbers in targets */
	size_t count;
	unsigned int notify;
	char const *orcpt;
	int remote;	/* a copy leaves this machine's mailboxes: a loop is possible */
	int may_send;	/* rules may have one leave */
	int may_refuse; /* rules may refuse the message when they see it */
	int looped;	/* the message bears this recipient's Delivered-To */
	enum reply verdict;
	char const *text; /* in place of the verdict's own; null none */
};

struct deliver {
	/* for all of the connection */
	struct resolver resolver;
	struct pool pool;
	unsigned int seconds;
	char const *junk_folder;
	/* one message */
	struct arena arena;
	char id[ID_MAX + 1];
	struct smtp_mail mail;
	struct targets targets;
	struct deliver_rcpt rcpt[MDA_RCPT_MAX];
	size_t count;
	int junk;			   /* it is marked as such */
	struct deliver_outgoing *outgoing; /* of its recipients' rules, newest first */
	uint32_t sent_on;		   /* records in them */
};

/* It is not tried at all: with an alias that leads elsewhere, a message that was here before would
 * come again. Mailboxes with rules of their own are told, and see to it themselves. */
static inline int
deliver_stopped(struct deliver_rcpt const *r)
{
	return r->looped && r->remote;
}

/* Reads the settings; d is all 0, or has served a connection. */
void deliver_init(struct deliver *d);
/* Begins a message; mail's strings are the arena's or outlive it. */
void deliver_mail(struct deliver *d, char const *id, struct smtp_mail const *mail);
/* One recipient: the verdict is what DATA would say of it now. REPLY_RCPT_OK: it is
 * rcpt[count - 1]. domain in A-labels. Strings live in d->arena. */
struct deliver_rcpt const *deliver_check(
    struct deliver *d, struct smtp_rcpt const *rcpt, char const *domain);
/* Delivers; each recipient's verdict is set. fd: the message, `size` octets. */
void deliver_message(struct deliver *d, int fd, uint64_t size);
/* Forgets the message. */
void deliver_reset(struct deliver *d);
/* Ends the workers. */
void deliver_end(struct deliver *d);

#endif

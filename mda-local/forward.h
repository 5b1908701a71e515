/* Copies that go on: to addresses elsewhere through smtp-recv's relay socket (SMTP), and what
 * failed for a time beside copies that are committed to the spool (LMTP). One process, forked for
 * it and without rights once it is connected, speaks to the peer. */
#ifndef POSTERN_MDA_LOCAL_FORWARD_H
#define POSTERN_MDA_LOCAL_FORWARD_H

#include <stddef.h>
#include <stdint.h>

#include "lib/smtp-envelope.h"
#include "mda-local/replies.h"

/* What is sent in place of the message itself: octets [at, at + size) of a file and behind them the
 * message from octet tail on (UINT64_MAX: none of it). */
struct forward_content {
	int fd;
	uint64_t at, size, tail;
};

/* One address to send to. Items of the same rcpt, sender and content that stand together are one
 * transaction, whose copy begins with "Delivered-To: rcpt" unless it is made. */
struct forward_item {
	char const *rcpt, *address;
	char const *sender; /* null: the mail's. Another's has no DSN parameters of the mail's */
	struct forward_content const *content; /* null: the message itself */
	int made; /* a message of its own, or one on its way to rcpt itself: no Delivered-To */
	/* A message is instead: the notice, the message's header, the notice's end (dsn.h). */
	char const *notice, *notice_end; /* null: none */
	unsigned int notify;		 /* DSN parameters of the recipient, RFC 3461 5.2.7.1 */
	char const *orcpt;
	/* out: REPLY_FORWARDED (REPLY_RELAYED: the peer knows no DSN), REPLY_SPOOLED, _TEMP, _PERM
	 */
	enum reply verdict;
};

enum forward_way { FORWARD_RELAY, FORWARD_SPOOL };

/* Sends fd_message for every item and sets its verdict; what is undecided at `until` (channel_now)
 * is REPLY_FORWARD_TEMP. id: for XFORWARD and the log. */
void forward(enum forward_way way, struct smtp_mail const *mail, char const *id, int fd_message,
    struct forward_item *item, size_t n, int64_t until);

#endif

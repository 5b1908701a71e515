/* Delivery status notifications as messages: multipart/report of RFC 6522 with the fields of RFC
 * 3464 (RFC 6533 where an address is outside ASCII). Pure: text in, text out, LF line ends. */
#ifndef POSTERN_DSN_H
#define POSTERN_DSN_H

#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>

/* Of the original message's header, so much at most is returned; the rest is cut at a line. */
#define DSN_HEADER_MAX 65536

enum dsn_action { DSN_FAILED, DSN_DELAYED, DSN_DELIVERED, DSN_RELAYED, DSN_EXPANDED };

struct dsn_recipient {
	enum dsn_action action;
	char const *final;  /* address without brackets */
	char const *orcpt;  /* "type;xtext" as it came with RCPT, null none */
	char const *status; /* "5.1.1"; null or "": by the action */
	char const
	    *reply; /* the server's words, "552 5.2.2 full", lines joined by "\n"; null none */
	char const *remote_mta; /* name or address of the server that said so, null: this one */
	int64_t last_attempt, will_retry_until; /* 0: not told */
};

struct dsn {
	char const *me;	      /* this server's name */
	char const *id;	      /* unique here; becomes Message-ID and boundary */
	char const *to;	      /* the sender of the original */
	char const *subject;  /* null: by the first recipient's action */
	char const *envid;    /* xtext as it came with MAIL, null none */
	int64_t now, arrival; /* arrival 0: not told */
	int utf8;	      /* the original needed SMTPUTF8 */
	/* The original, or only its header: returned as message/rfc822 if full, else its header. */
	char const *original;
	size_t original_len;
	int full;
};

/* Appends the whole message, header first. */
void dsn_write(stralloc *out, struct dsn const *d, struct dsn_recipient const *r, size_t n);

#endif

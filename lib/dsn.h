/* Delivery status notifications as messages: multipart/report of RFC 6522 with the fields of RFC
 * 3464 (RFC 6533 where an address is outside ASCII). Pure: text in, text out, LF line ends. The one
 * who notifies writes dsn_begin, then the original message or its header, then dsn_end. */
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
	char const *final;     /* address without brackets */
	char const *orcpt;     /* "type;xtext" as it came with RCPT, null none */
	char const *status;    /* "5.1.1"; null or "": by the action */
	int code;	       /* of the server's reply; 0: the words are our own */
	char const *text;      /* its words, lines joined by "\n", any octets; null none */
	char const *host, *ip; /* of the server that said so; null or "": this one */
	int64_t last_attempt, will_retry_until; /* 0: not told */
};

struct dsn {
	char const *me;	      /* this server's name */
	char const *id;	      /* unique here; becomes Message-ID and boundary */
	char const *to;	      /* the sender of the original */
	char const *about;    /* the id under which the original stands in the log, null none */
	char const *envid;    /* xtext as it came with MAIL, null none */
	int64_t now, arrival; /* arrival 0: not told */
	int64_t deliver_by;   /* RFC 2852 5; 0: not asked for */
	char const *future;   /* "for;3600" (RFC 4865 5.1.2); null: not asked for */
	int utf8;	      /* the original needed SMTPUTF8 */
	int eightbit;	      /* it has octets over 127 */
	int full;	      /* all of it follows, not its header alone */
	int doubled;	      /* the original has no sender: this goes to the postmaster */
};

/* Appends all that stands before the original, header first. Recipients with the same action stand
 * together; the first one's makes the subject. */
void dsn_begin(stralloc *out, struct dsn const *d, struct dsn_recipient const *r, size_t n);
void dsn_end(stralloc *out, struct dsn const *d);
/* Appends s as one line for people: UTF-8 stays, controls are blanks, other octets "?". */
void dsn_line(stralloc *out, char const *s);
/* How much of s[0..n), the beginning of a message, is its header to be returned: at most
 * DSN_HEADER_MAX octets, cut behind a line. */
size_t dsn_header_length(char const *s, size_t n);

#endif

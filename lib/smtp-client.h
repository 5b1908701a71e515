/* The client's side of SMTP and LMTP, over any descriptors: commands are queued (pipelining), replies
 * are read in order. Used by smtp-recv (to mda-local and spool-recv), mda-local (forwards), sendmail
 * and smtp-send. Each wait ends at the deadline set with smtp_client_deadline. RFC 5321, 2033,
 * 2920. */
#ifndef POSTERN_SMTP_CLIENT_H
#define POSTERN_SMTP_CLIENT_H

#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>

#include "lib/net.h"
#include "lib/smtp-envelope.h"

#define SMTP_REPLY_LINE_MAX 2048   /* RFC 5321 4.5.3.1.5 says 512; peers exceed it */
#define SMTP_REPLY_LINES_MAX 128   /* lines of one reply */

struct smtp_reply {
	int code;        /* 200..599; 0: none was read */
	stralloc text;   /* the lines without code, joined by "\n"; C string */
	char status[12]; /* "5.1.1" if the first line has an enhanced status code, else "" */
};
#define SMTP_REPLY_ZERO {0, STRALLOC_ZERO, ""}

struct smtp_client {
	struct net net;
	int lmtp;
	int early; /* smtp_client_hello does not wait for the greeting: for servers on this host,
		    * who take nothing amiss. One turn less. */
	unsigned int ext;    /* enum smtp_ext bits of the peer's greeting */
	uint64_t size_limit; /* of SIZE, 0 none */
	uint64_t by_min;     /* of DELIVERBY: least seconds with by-mode R; 0 none */
	struct smtp_limits {
		unsigned int mail, rcpt, domain;
	} limits; /* of LIMITS (RFC 9422): MAILMAX, RCPTMAX, RCPTDOMAINMAX; 0 none */
	stralloc auth;       /* the words behind AUTH */
	int data_bol;        /* smtp_client_send: at the beginning of a line */
	int chunk;           /* smtp_client_send: behind BDAT, where a dot is nothing special */
};

/* Connects to a Unix socket within `seconds`. 0, or -1 with errno. */
int smtp_client_unix(struct smtp_client *c, char const *path, unsigned int seconds);
/* Starts over descriptors that are already connected. */
void smtp_client_fds(struct smtp_client *c, int fd_in, int fd_out);
void smtp_client_deadline(struct smtp_client *c, unsigned int seconds);
void smtp_client_close(struct smtp_client *c);

/* Reads the greeting, sends LHLO or EHLO (HELO when that is refused with 5xx) with `me`, notes the
 * extensions. 0 when the peer accepted; 1 when it refused, with its reply in r; -1 and errno when the
 * connection failed or the peer spoke nonsense (EPROTO). */
int smtp_client_hello(struct smtp_client *c, char const *me, struct smtp_reply *r);
/* Only EHLO or LHLO again: after STARTTLS. */
int smtp_client_ehlo(struct smtp_client *c, char const *me, struct smtp_reply *r);

/* Queues a command; CR LF is added. */
void smtp_client_cmd(struct smtp_client *c, char const *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Queues MAIL (after XFORWARD IDENT=id if the peer takes it and id is not null, with LOGIN=m->login
 * and HOLD=m->hold if it takes these too: then one more reply comes; the number of replies to read
 * is returned) and RCPT. */
int smtp_client_mail(struct smtp_client *c, struct smtp_mail const *m, char const *id);
void smtp_client_rcpt(struct smtp_client *c, struct smtp_rcpt const *rcpt);

/* Sends what is queued and reads the next reply. 0, or -1 and errno (EPROTO: not an SMTP reply;
 * ECONNRESET also for an orderly close without reply). */
int smtp_client_reply(struct smtp_client *c, struct smtp_reply *r);

/* Whether the peer has said something unasked or has closed. Reads nothing. */
int smtp_client_talks(struct smtp_client const *c);

/* The message after 354: LF to CR LF, dots doubled. Any cuts. 0 or -1 (write error, later calls do
 * nothing). smtp_client_send_end adds a missing last line end and the dot. With c->chunk (RFC 3030)
 * neither dots are doubled nor is the last one added; c->chunk is 0 again after the end. */
int smtp_client_send(struct smtp_client *c, char const *s, size_t n);
/* BDAT size LAST (RFC 3030 2): what is sent from now to the end are its octets. */
void smtp_client_bdat(struct smtp_client *c, uint64_t size);
/* XSEALED, which ends the message as BDAT LAST does: fd is a sealed memory file with all of it. */
void smtp_client_sealed(struct smtp_client *c, int fd);
/* Octets that s[0..n) becomes on the wire behind BDAT: each LF is CR LF there. */
uint64_t smtp_client_length(char const *s, size_t n);
int smtp_client_send_end(struct smtp_client *c);

#endif

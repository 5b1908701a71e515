/* smtp-send: one connection to one destination. */
#ifndef POSTERN_MDA_REMOTE_SEND_H
#define POSTERN_MDA_REMOTE_SEND_H

#include <stdint.h>

#include "lib/arena.h"
#include "lib/smtp-client.h"
#include "mda-remote/attempt.h"
#include "mda-remote/limits.h"
#include "mda-remote/send-policy.h"
#include "mda-remote/tls-client.h"

struct send_host {
	char *name, *ip;
	uint16_t port;
	char *session; /* TLS session of an earlier connection, or null */
	uint64_t since; /* when its certificate was looked at, seconds since 1970 */
	unsigned int rank; /* the same for hosts of one preference */
	enum { HOST_UNTRIED, HOST_UNUSABLE, HOST_REFUSES } state;
};

struct send {
	/* From mda-remote's first packet. */
	struct send_host host[SEND_ADDRESSES_MAX]; /* in the order in which they are tried */
	unsigned int hosts;
	char *socket; /* LMTP over a Unix socket instead */
	int lmtp;
	struct send_policy policy;
	int exchangers; /* the hosts are those of MX records */
	int wrap;	/* TLS from the first octet */
	char *source[2];	/* IPv4, IPv6; null: the system chooses */
	char *login, *password; /* null: no AUTH */
	/* Settings. */
	unsigned int timeout;
	/* The connection. */
	struct smtp_client c;
	char ours[64]; /* the address that it is from, "" if unknown */
	struct send_host const *peer; /* null: the Unix socket */
	struct tls_client tls_state;
	char *session; /* that was offered last, or null */
	uint64_t session_since; /* of those that come out of this connection */
	struct send_host const *session_host;
	struct smtp_reply reply;
	unsigned int mails; /* transactions that have been */
	int open;	    /* the last one did not come to its end: RSET before the next */
	int loop;	    /* a host turned out to be this one */
	int stale; /* the connection ended between two of them */
	tain job_deadline;
	struct arena arena; /* of one message */
};

/* What follows must end within this many seconds, or the setting remote-timeout if that is less. */
void send_deadline(struct send *s, unsigned int seconds);

/* 1 if the server has something to say, or has closed. */
int send_talks(struct send const *s);

/* Tries the addresses in order until one is ready for MAIL. 0; -1 when none is, with the reason. */
int send_connect(struct send *s, struct attempt *why);
/* QUIT and close. */
void send_quit(struct send *s);

/* Sends the message in fd to its recipients at these places of the file, writes the state of those
 * who got it into the file, and reports each of them to mda-remote. 0 if the connection can take
 * another message, -1 if not. */
int send_mail(struct send *s, int fd, uint64_t const *at, unsigned int count);

/* Asks whether the server would take mail for this address (text of a path): RCPT_DONE; RCPT_FAILED,
 * with its reply to RCPT; RCPT_WAITING: it cannot be told now. */
void send_verify(struct send *s, char const *address, struct attempt *why);

/* Says to mda-remote how it went for the recipient at `at`. 0, or -1: it is gone. */
int send_report(uint64_t at, struct attempt const *t);
/* Says how TLS went with s->peer: policy "tlsa", "sts" or "none"; type "" (it went well) or one of RFC
 * 8460 4.3, with its reason. */
void send_report_tls(struct send *s, char const *policy, char const *type, char const *reason);
/* Gives mda-remote a TLS session of h to keep. */
void send_report_session(struct send_host const *h, uint64_t since, char const *session);
/* send-session.c: a line "S NAME IP PORT SINCE SESSION" of mda-remote's; lines h come before it. */
void send_session_line(struct send *s, char *value);
/* Reports those that the server has given so far, and those that were not used. */
void send_session_report(struct send *s);
/* 1 if mda-remote is gone. */
int send_orphaned(void);

#endif

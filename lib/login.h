/* The login pair: one fork, no exec in between. The child talks to the client and has nothing else;
 * the parent keeps the right to run the checkpassword program, to look into the users' keys and to
 * start TLS, and hears one thing from the child: fixed-form requests, each one message on a Unix
 * socketpair, each checked for form. The connection belongs to the child alone; its descriptors
 * come with the request that needs them. doc/joints.md, "From login to session".
 *
 * Settings: etc/login-check-timeout (seconds for one check, 60), etc/login-attempts (refusals per
 * connection, 6), etc/login-delay (milliseconds from a request to the first refusal, doubled with
 * each further one, at most LOGIN_DELAY_MAX; 500), etc/cleartext-networks,
 * etc/login-trusted-networks and the mechanisms' (lib/login-offer.c). */
#ifndef POSTERN_LOGIN_H
#define POSTERN_LOGIN_H

#include <stddef.h>

#include "lib/net.h"
#include "lib/sandbox.h"
#include "lib/sasl.h"
#include "lib/ucspi.h"

/* login NUL password NUL timestamp NUL, together (checkpassword). */
#define LOGIN_CREDENTIALS_MAX 512
#define LOGIN_NAME_MAX 255
#define LOGIN_TAG_MAX 128
#define LOGIN_DELAY_MAX 8000 /* milliseconds */
#define LOGIN_KEEP_MAX 16

enum login_kind {
	LOGIN_SESSION, /* the program ends in a session that takes the connection over (imap, pop3)
			*/
	LOGIN_VERDICT, /* only its exit code counts; the child keeps the connection (smtp-recv) */
};

struct login_policy {
	enum login_kind kind;
	/* CHECKPASSWORD ARGS... SESSION, null at the end; for LOGIN_VERDICT SESSION is `true` or
	 * alike. Null: every check is LOGIN_TEMPFAIL (smtp-recv without authentication has no need
	 * of a pair: sandbox_drop_user, sandbox_close_but and sandbox_enter do alone). */
	char *const *argv;
	/* What the child may do; null: nothing but talk on what is open (the login programs). */
	struct sandbox const *sandbox;
	/* Descriptors that the child keeps beside 0, 1, 2, the request socket and
	 * SSL{READ,WRITE}FD. */
	int keep[LOGIN_KEEP_MAX];
	size_t keep_count;
	/* The client is a proxy that may say, once, whom it speaks for (login_peer). */
	int proxy;
	/* How many connections one login may have (0: any number), counted under this name. */
	unsigned int user_connections;
	char const *service;
};

struct login {
	enum login_kind kind;
	int fd; /* the request socket. Readable without a request: the parent was told to end */
	unsigned int answer_seconds; /* how long an answer can take */
	unsigned int offered;	     /* mechanisms, by the settings; see login_offered */
	char const *oauth_error;     /* lib/sasl.h */
	struct sasl sasl;
	enum login_verdict {
		LOGIN_OK,	/* LOGIN_VERDICT only: a session's child does not come back */
		LOGIN_REFUSED,	/* wrong, or not a possible login or password (empty, too long, a
				   control in it) */
		LOGIN_TEMPFAIL, /* the program failed in any other way */
		LOGIN_LIMIT,	/* right, but this login has too many connections already */
		/* After these two the child must say so and close: no further check is made. */
		LOGIN_TOOMANY, /* refused, and it was the last try (etc/login-attempts) */
		LOGIN_GONE,    /* no answer in time; the program may still hold the connection */
		/* Of login_authenticate alone; nothing was checked. The first five as in
		   lib/sasl.h. */
		LOGIN_CANCELLED,
		LOGIN_SYNTAX,
		LOGIN_LONG,
		LOGIN_AUTHZID,
		LOGIN_UNKNOWN,
		LOGIN_LOST, /* nothing more can be read: end without a word */
		LOGIN_VERDICTS,
	} verdict; /* the last */
	/* LOGIN_VERDICT, after LOGIN_OK: whose account it is, a C string. */
	char user[LOGIN_NAME_MAX + 1];
};

/* Forks. Returns in the child only, which is then what the policy leaves of it; the parent serves
 * requests, passes TERM and HUP on, and exits: with the session's code once there is one, else with
 * the child's. Call after ucspi_init, after every setting is read and
 * before net_init; id_connection() is called here. Exits 100 (root without UID and GID, bad
 * setting) or 111. */
void login_start(struct login *l, struct login_policy const *p);

struct login_credentials {
	char const *login, *password; /* C strings */
	char const *mechanism;	      /* for log and session: "PLAIN", "LOGIN", "USER" */
	/* What the session answers to (LOGIN_SESSION): IMAP "a1" and "LOGIN" or "AUTHENTICATE",
	 * POP3 "-" and "PASS". */
	char const *tag, *command;
};

/* Has the credentials checked; waits for the answer, which a refusal delays. LOGIN_SESSION: flushes
 * n, makes it blocking, and hands it over with its buffered input; when the session is up the child
 * _exits 0 here without a further byte. After any other answer n is as before, without a deadline.
 * The caller wipes the password. */
enum login_verdict login_check(struct login *l, struct net *n, struct login_credentials const *c);

/* The client's next line of a SASL exchange: NET_LINE, NET_LONG or NET_EOF, after which nothing is
 * read any more and the last words are said. */
typedef enum net_line login_line_fn(void *arg, char *line, size_t max, size_t *len);

struct login_dialog {
	char const *prompt; /* in front of a challenge: "+ ", "334 " */
	login_line_fn *read;
	void *arg;
	char const *tag, *command; /* as in login_credentials; may be null */
	/* Where a challenge is not a line of its own behind the prompt; else null. base64: a C
	 * string. */
	void (*challenge)(void *arg, char const *base64);
	/* LOGIN_LAST_MAX + 1 octets for the server's last words (struct sasl, last) where they
	 * belong to the protocol's OK; else null, and they are a challenge. */
	char *last;
};
#define LOGIN_LAST_MAX LOGIN_TAG_MAX

/* A whole SASL exchange (RFC 3501 6.2.2, RFC 5034 4, RFC 4954 4) and the check of what it gave: the
 * same as login_check. initial: as sasl_start has it. */
enum login_verdict login_authenticate(struct login *l, struct net *n, struct login_dialog const *d,
    char const *name, size_t name_len, char *initial, size_t initial_len);

/* The mechanisms that are offered on this connection as it is now, as bits 1 << enum sasl_mech.
 * They may be named only where login_cleartext or ucspitls_active holds: without TLS a SCRAM
 * exchange tells less than a password, but what follows it would be read along. */
unsigned int login_offered(struct login const *l);
/* Where none of these is offered, LOGIN and USER are not either. */
#define LOGIN_PASSWORDS (1u << SASL_PLAIN | 1u << SASL_LOGIN)

/* Waits for input on the connection: 1 there is some (or its end), 0 deadline, -1 error, 2 the
 * parent was told to end: say goodbye and exit. Flushes first. */
int login_wait(struct login const *l, struct net *n);

/* Starts TLS behind the reply that says so: as ucspitls_start, through the parent, so that it knows
 * the client's certificate from the engine itself. */
int login_tls(struct login *l, struct net *n);
/* The same for a login program (RFC 2595 3.1 and 4): flushes, drops what was pipelined. 0; 1:
 * the connection is gone. Where TLS does not come about the process ends here. */
int login_starttls(struct login *l, struct net *n);

/* The connection is another's, whose address is ip (text; "" unknown), as a proxy says: what counts
 * by address and what the programs behind are told is of that one from here on, and the proxy's own
 * certificate is nobody's (in this process that is the caller's to see to). Only where the policy
 * has `proxy`, and once. 0, or -1: the connection must end. */
int login_peer(struct login *l, struct net *n, char const *ip);
/* What the environment says of the peer's certificate goes. */
void login_forget_certificate(void);

/* 1 if this peer may send clear-text passwords without TLS: loopback, or listed in
 * etc/cleartext-networks (one ADDRESS or ADDRESS/BITS a line). Under TLS everyone may; see
 * ucspitls_active. Reads a setting, so before login_start. */
int login_cleartext(struct ucspi const *peer);
/* 1 if the peer is in one of the networks that etc/NAME lists. A bad line is exit 100. */
int login_in_networks(char const *setting, struct ucspi const *peer);
/* The same in two parts: the networks, each with a NUL, appended; whether the peer is among them. */
void login_networks(char const *setting, stralloc *networks);
int login_among(stralloc const *networks, struct ucspi const *peer);
#endif

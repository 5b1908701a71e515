/* The server's side of SASL (RFC 4422), knowing no protocol and reading no file: lines of base64
 * in, challenges in base64 out. A mechanism is a row of one table and a step function: PLAIN (RFC
 * 4616), LOGIN and EXTERNAL (RFC 4422 A) in sasl.c, SCRAM in sasl-scram.c, OAUTHBEARER and XOAUTH2
 * in sasl-oauth.c. What needs a key is asked of struct sasl_server. */
#ifndef POSTERN_SASL_H
#define POSTERN_SASL_H

#include <stddef.h>
#include <skalibs/stralloc.h>

#include "lib/scram.h"

/* A client's line of base64 (RFC 4954 4 wants 12288), the message in it, and a challenge in base64.
 * Over the first two: SASL_LONG. */
#define SASL_LINE_MAX 12288
#define SASL_MESSAGE_MAX (SASL_LINE_MAX / 4 * 3)
#define SASL_CHALLENGE_MAX 2048
/* Octets of a login, or of an authorization identity; over it SASL_LONG. */
#define SASL_LOGIN_MAX 255
/* Octets of a SCRAM client's message, and of the nonce in it; over them SASL_LONG. */
#define SASL_SCRAM_MAX 1024
#define SASL_SCRAM_NONCE_MAX 256
/* AuthMessage (RFC 5802 3): two messages of the client and one of the server. */
#define SASL_AUTH_MESSAGE_MAX (3 * SASL_SCRAM_MAX)

#define SASL_OAUTH_ERROR_MAX 1024

/* In the order in which they are announced: the best first. */
enum sasl_mech {
	SASL_EXTERNAL,
	SASL_SCRAM_SHA_256,
	SASL_SCRAM_SHA_1,
	SASL_OAUTHBEARER,
	SASL_XOAUTH2,
	SASL_PLAIN,
	SASL_LOGIN,
	SASL_MECHANISMS,
};

enum sasl_status {
	SASL_CONTINUE,	/* send the challenge (may be ""), feed the client's next line to sasl_step
			 */
	SASL_DONE,	/* the evidence is there, to be checked */
	SASL_CANCELLED, /* the client sent "*" (RFC 4422 3.1; IMAP BAD, SMTP 501, POP3 -ERR) */
	SASL_SYNTAX,	/* not base64, or not what the mechanism wants */
	SASL_LONG,	/* over a limit */
	SASL_AUTHZID, /* another authorization identity than the login: refuse like a wrong password
		       */
	SASL_UNKNOWN, /* no such mechanism, or not offered */
	SASL_FAILED,  /* sasl_server said no, or sasl_refused has been told to the client */
};

/* What SASL_DONE leaves to be checked. */
enum sasl_evidence {
	SASL_PASSWORD,	  /* login and secret */
	SASL_PROVED,	  /* nothing: sasl_server has seen the proof for login */
	SASL_TOKEN,	  /* secret is a token; login may be empty */
	SASL_CERTIFICATE, /* the connection's; login is who the client wants to be, may be empty */
};

/* What a SCRAM client is told of its account. */
struct sasl_keys {
	char nonce[SCRAM_NONCE + 1];
	uint32_t iterations, salt_len;
	unsigned char salt[SCRAM_SALT_MAX];
};

/* Whoever knows the keys. Both functions: 0, or -1 and why not is theirs to know. */
struct sasl_server {
	void *arg;
	unsigned int offered; /* bits 1 << enum sasl_mech */
	int (*keys)(void *arg, char const *login, enum hash h, struct sasl_keys *k);
	/* The proof over AuthMessage; signature becomes the server's. */
	int (*prove)(void *arg, char const *auth_message, size_t len,
	    unsigned char const proof[static HASH_MAX], unsigned char signature[static HASH_MAX]);
	/* Members of the JSON object that a refused token is answered with, behind "status", each
	 * with a comma in front (RFC 7628 3.2.2); at most SASL_OAUTH_ERROR_MAX octets. */
	char const *oauth_error;
};

struct sasl_mechanism;

struct sasl {
	struct sasl_mechanism const *mechanism;
	struct sasl_server const *server;
	char const *name; /* the mechanism's, for the log; null before sasl_start found one */
	unsigned int step;
	int refused; /* what the client sends next is only its end of a refusal */
	int last; /* the challenge is additional data with success (RFC 4422 3.6): the answer
		     to it is empty */
	enum sasl_evidence evidence;
	/* C strings, meaningful at SASL_DONE. No NULs. */
	char login[SASL_LOGIN_MAX + 1], secret[SASL_MESSAGE_MAX + 1];
	char challenge[SASL_CHALLENGE_MAX + 1]; /* base64, a C string, at SASL_CONTINUE */
	struct {
		char auth_message[SASL_AUTH_MESSAGE_MAX];
		size_t len;		      /* of what there is of it */
		size_t nonce, nonce_len;      /* both nonces, in it */
		char binding[SASL_SCRAM_MAX]; /* the GS2 header (RFC 5802 7) */
		size_t binding_len;
		unsigned char signature[HASH_MAX];
	} scram;
};

/* Begins with the mechanism's name (any case). initial is the initial response as the client sent
 * it in base64, "=" for an empty one (RFC 4954 4, RFC 4959 3, RFC 5034 4), or null for none. The
 * server must outlive s. */
enum sasl_status sasl_start(struct sasl *s, struct sasl_server const *server, char const *name,
    size_t name_len, char const *initial, size_t initial_len);
/* The client's next line, without CR LF. */
enum sasl_status sasl_step(struct sasl *s, char const *line, size_t len);
/* The evidence of SASL_DONE was not good enough. SASL_CONTINUE: the mechanism has to tell the
 * client why (RFC 7628 3.2.2); else SASL_FAILED. */
enum sasl_status sasl_refused(struct sasl *s);
/* Wipes everything; after the check, and after any status but SASL_CONTINUE and SASL_DONE. */
void sasl_end(struct sasl *s);

/* A mechanism's name, and the mechanism of a name: SASL_MECHANISMS if there is none. */
char const *sasl_name(enum sasl_mech m);
enum sasl_mech sasl_find(char const *name, size_t len);
/* Appends prefix and name of each mechanism in offered (bits 1 << enum sasl_mech). */
void sasl_names(stralloc *out, char const *prefix, unsigned int offered);

/* For the mechanisms. A step takes one decoded message. One that continues leaves the challenge,
 * decoded, in *out (empty as it comes). s->step counts from 0. */
enum sasl_status sasl_scram(struct sasl *s, char const *message, size_t len, stralloc *out);
enum sasl_status sasl_oauthbearer(struct sasl *s, char const *message, size_t len, stralloc *out);
enum sasl_status sasl_xoauth2(struct sasl *s, char const *message, size_t len, stralloc *out);
/* A login of n octets into s->login: SASL_DONE; SASL_SYNTAX (a control in it), SASL_LONG. */
enum sasl_status sasl_put_login(struct sasl *s, char const *login, size_t n);
/* The same with password or token, in which only NUL is wrong. */
enum sasl_status sasl_put_secret(struct sasl *s, char const *secret, size_t n);
/* A saslname (RFC 5802 5.1) of s[0..len) into to[0..max], as a C string: as sasl_put_login. */
enum sasl_status sasl_gs2_name(char const *s, size_t len, char *to, size_t max);

#endif

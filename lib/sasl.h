/* The server's side of SASL (RFC 4422), knowing no protocol: lines of base64 in, challenges in
 * base64 out. A mechanism is a row of one table and a step function. Now: PLAIN (RFC 4616) and
 * LOGIN. */
#ifndef POSTERN_SASL_H
#define POSTERN_SASL_H

#include <stddef.h>

/* Longest message, decoded; a client's line of base64 is at most SASL_LINE_MAX. Over it: SASL_LONG.
 */
#define SASL_MESSAGE_MAX 1536
#define SASL_LINE_MAX 2048

enum sasl_status {
	SASL_CONTINUE,	/* send the challenge (may be ""), feed the client's next line to sasl_step
			 */
	SASL_DONE,	/* login and password are there, to be checked */
	SASL_CANCELLED, /* the client sent "*" (RFC 4422 3.1; IMAP BAD, SMTP 501, POP3 -ERR) */
	SASL_SYNTAX,	/* not base64, or not what the mechanism wants */
	SASL_LONG,	/* over a limit */
	SASL_AUTHZID, /* another authorization identity than the login: refuse like a wrong password
		       */
	SASL_UNKNOWN, /* no such mechanism */
};

struct sasl_mechanism;

struct sasl {
	struct sasl_mechanism const *mechanism;
	char const *name; /* the mechanism's, for the log; null before sasl_start found one */
	unsigned int step;
	/* C strings, meaningful at SASL_DONE. No NULs; login is not empty. */
	char login[SASL_MESSAGE_MAX + 1], password[SASL_MESSAGE_MAX + 1];
	char challenge[SASL_LINE_MAX + 1]; /* base64, a C string, at SASL_CONTINUE */
};

/* Begins with the mechanism's name (any case). initial is the initial response as the client sent
 * it in base64, "=" for an empty one (RFC 4954 4, RFC 4959 3, RFC 5034 4), or null for none. */
enum sasl_status sasl_start(
    struct sasl *s, char const *name, size_t name_len, char const *initial, size_t initial_len);
/* The client's next line, without CR LF. */
enum sasl_status sasl_step(struct sasl *s, char const *line, size_t len);
/* Wipes everything; after the check, and after any status but SASL_CONTINUE and SASL_DONE. */
void sasl_end(struct sasl *s);

/* The i-th mechanism's name, null behind the last: for AUTH=, SASL and AUTH lines. All of today's
 * send the password in clear and may be named only where login_cleartext or ucspitls_active holds.
 */
char const *sasl_name(unsigned int i);

#endif

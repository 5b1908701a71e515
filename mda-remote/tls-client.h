/* TLS on a connection to a server, in a process of its own: what a hostile peer sends is decrypted
 * where there is no message and no spool. Only it, tls-relay.c and tls-session.c use OpenSSL. */
#ifndef POSTERN_MDA_REMOTE_TLS_CLIENT_H
#define POSTERN_MDA_REMOTE_TLS_CLIENT_H

#include "mda-remote/limits.h"

struct tlsa;

enum tls_check {
	TLS_ANY,     /* any certificate */
	TLS_PKIX,    /* one of a known CA that bears one of the names */
	TLS_BY_DIGEST, /* one whose digest, or its key's, is listed */
	TLS_BY_DANE, /* one that a TLSA record names (RFC 7672 3.1) */
	TLS_REFUSE,  /* none will do */
};

/* Whom to expect. */
struct tls_expect {
	char const *host; /* the server: its name or address */
	char const *name; /* the certificate may bear it, or one of these */
	char *const *also;
	unsigned int alsos;
	enum tls_check check;
	int soft; /* a certificate that is wrong is said, and used */
	struct tlsa const *record;
	unsigned int records;
	char *const *digest; /* SHA-256, in hexadecimal, lower case */
	unsigned int digests;
	unsigned int min;	 /* least version, 10 (1.0) to 13 (1.3); 0 the usual */
	/* What else, where no record can be used: then the name is the host's, and no other. */
	enum tls_check unusable;
	int unusable_soft;
	char const *session;	 /* to be taken up again (tls_client_session), or null */
};

struct tls_client {
	char protocol[16], cipher[64]; /* of a connection that stands */
	char verified[8];	       /* how: "dane", "pkix" or "" */
	int reused;		       /* an earlier session was taken up */
	char type[32];		       /* what was wrong, as RFC 8460 4.3 calls it; "" nothing */
	char why[200];		       /* the same in words */
};

/* Reads what verifying by CAs needs (the system's CA certificates, or the file `ca`) before files
 * are out of reach; nothing if pkix is 0. 0, or -1 with the reason in why. */
int tls_client_prepare(struct tls_client *t, int pkix, char const *ca);

/* Makes the handshake on fd (non-blocking; nothing may be buffered) with whom `expect` names, within
 * `seconds`. The plaintext's descriptor (blocking), or -1 with type and why. fd is closed in either
 * case. */
int tls_client_start(
    struct tls_client *t, int fd, struct tls_expect const *expect, unsigned int seconds);

/* The next session that the server of the last tls_client_start has given, in hexadecimal: 1; 0 there
 * is none for now. It is bound to what `expect` said: where that differs it is not taken up. */
int tls_client_session(char to[static TLS_SESSION_MAX + 1]);

#endif

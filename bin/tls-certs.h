/* Certificates and keys: the default pair, one pair per server name, and the certificates that
 * client certificates must descend from. A pair is an SSL_CTX, ready before any fork. */
#ifndef POSTERN_TLS_CERTS_H
#define POSTERN_TLS_CERTS_H

#include <stddef.h>
#include <openssl/ssl.h>

#include "bin/tls-file.h"
#include "bin/tls-tickets.h"

#define TLS_NAME_MAX 255
/* Checking the files takes at most one part in so many of the time. */
#define TLS_REFRESH_SHARE 10

struct tls_pair {
	char *name; /* lower case; "*.example.org" is for one label; null: the default */
	struct tls_file key, cert;
	/* Of another algorithm (RSA beside ECDSA): used as well where both files exist. */
	struct tls_file key2, cert2;
	SSL_CTX *ctx; /* null as long as the files could not be used */
	int from_dir, in_dir;
};

struct tls_certs {
	struct tls_pair *pair;
	size_t count;
	struct tls_file dir; /* etc/tls: NAME/key.pem and NAME/cert.pem, or null */
	struct tls_file ca;
	char *ca_dir;
	X509_STORE *store;
	STACK_OF(X509_NAME) * ca_names;
	struct tls_tickets tickets;
	unsigned int warmed;	 /* kinds of key whose first use is behind us */
	long long refresh_after; /* monotonic microseconds */
};

/* One more pair (strings copied); null name: the default. */
void tls_certs_add(struct tls_certs *c, char const *name, char const *key, char const *cert);
/* KEYFILE and CERTFILE (unless snilevel is 2), and with snilevel > 0 every KEYFILE:NAME with its
 * CERTFILE:NAME. Null, or the name of the variable that is missing. */
char const *tls_certs_from_env(struct tls_certs *c, unsigned int snilevel);
/* The default pair key.pem and cert.pem in dir, and NAME/key.pem, NAME/cert.pem; beside each
 * key2.pem and cert2.pem. */
void tls_certs_from_dir(struct tls_certs *c, char const *dir);
/* CAFILE and CADIR. */
void tls_certs_client_ca(struct tls_certs *c, char const *file, char const *dir);

/* Loads pair i from its files; keeps what it had if they are bad: 1, or 0 after logging why. */
int tls_certs_load(struct tls_certs *c, size_t i);
/* Loads the client CA: 1, or 0 after logging why (then there is none, or the old one stays). */
int tls_certs_load_ca(struct tls_certs *c);
/* Looks at every file again, if enough time has passed, and loads what has changed: 1 if anything is
 * different now. */
int tls_certs_refresh(struct tls_certs *c);
/* Loads all of them at the next refresh, changed or not. */
void tls_certs_reread(struct tls_certs *c);

/* The context for a server name (C string, lower case) or null: its own pair, a wildcard's, the
 * default, the first that there is; null when there is none at all. */
SSL_CTX *tls_certs_find(struct tls_certs const *c, char const *name);

/* The reason of OpenSSL's oldest queued error, and empties the queue. */
char const *tls_error(void);

#endif

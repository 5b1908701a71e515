/* SCRAM (RFC 5802, RFC 7677): the keys that stand in etc/users, and the one computation that needs
 * them. Whoever calls this has read a password file; what parses the client's messages is
 * lib/sasl-scram.c, in a process that has not. */
#ifndef POSTERN_SCRAM_H
#define POSTERN_SCRAM_H

#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>

#include "lib/hmac.h"

#define SCRAM_SALT_MAX 64 /* octets; ours have SCRAM_SALT */
#define SCRAM_SALT 16
#define SCRAM_NONCE 32 /* characters that a server adds to the client's nonce */
/* RFC 7677 4 wants 4096 at least; clients of the Cyrus library refuse more than 65536. */
#define SCRAM_ITERATIONS_MIN 1
#define SCRAM_ITERATIONS_MAX 10000000
#define SCRAM_ITERATIONS 10000

struct scram_keys {
	enum hash hash;
	uint32_t iterations;
	uint32_t salt_len;
	unsigned char salt[SCRAM_SALT_MAX];
	unsigned char stored[HASH_MAX], server[HASH_MAX];
};

/* "SCRAM-SHA-256" and "SCRAM-SHA-1", and back: 1, or 0 if it is neither. */
char const *scram_name(enum hash h);
int scram_hash(char const *name, size_t len, enum hash *h);

/* ITERATIONS,SALT,STOREDKEY,SERVERKEY, the last three in base64: as Dovecot writes it behind
 * {SCRAM-SHA-256}. 0; -1: not of that form. */
int scram_scan(struct scram_keys *k, enum hash h, char const *s, size_t len);
/* Appends it. */
void scram_format(stralloc *out, struct scram_keys const *k);
/* Keys that belong to nobody, the same each time for a name: what a stranger sees of an account
 * that does not exist (RFC 5802 9). */
void scram_nobody(struct scram_keys *k, enum hash h, unsigned char const secret[static HASH_MAX],
    char const *login, uint32_t iterations);

/* RFC 5802 3: 1 if the proof was made with the keys over this AuthMessage; then signature is the
 * server's. Takes the same time in both cases. */
int scram_prove(struct scram_keys const *k, char const *auth_message, size_t len,
    unsigned char const proof[static HASH_MAX], unsigned char signature[static HASH_MAX]);

/* scram-make.c: for programs that see passwords; they link -lunistring (lib/saslprep.h). */
/* Makes the keys of a password (RFC 5802 3) with k's salt and iterations. The password is prepared
 * by lib/saslprep.h where that is possible, as RFC 5802 2.2 wants; otherwise it is taken as it is.
 */
void scram_make(struct scram_keys *k, enum hash h, char const *password);
/* The same, with ClientKey, which a client proves the password with. */
void scram_make_client(
    struct scram_keys *k, enum hash h, char const *password, unsigned char client[static HASH_MAX]);
/* A random salt of SCRAM_SALT octets; 0, or -1 with errno. */
int scram_salt(struct scram_keys *k);
/* 1 if this is the password that the keys were made of; wipes what it makes. */
int scram_is_password(struct scram_keys const *k, char const *password);

#endif

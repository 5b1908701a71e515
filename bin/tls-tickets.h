/* Session tickets (RFC 5077, RFC 8446 4.6.1) without server state: the keys that encrypt them.
 *
 * They come from a file that scripts/postern-tickets rotates, so that several holders and engines
 * share them, or are made here. A key is dropped a day after it was born, whatever the file says:
 * who gets hold of it can read a day's resumed sessions, no more. */
#ifndef POSTERN_TLS_TICKETS_H
#define POSTERN_TLS_TICKETS_H

#include <stddef.h>
#include <time.h>
#include <openssl/ssl.h>

#include "bin/tls-file.h"

#define TLS_TICKET_KEYS 8
#define TLS_TICKET_KEY_SECONDS 86400	/* a key's life */
#define TLS_TICKET_ROTATE_SECONDS 21600 /* keys made here: a new one every 6 hours */
#define TLS_TICKET_SECONDS 43200	/* a ticket's life, if its key lives so long */

struct tls_ticket_key {
	unsigned char name[16], aes[32], mac[32];
	time_t born;
};

struct tls_tickets {
	struct tls_ticket_key key[TLS_TICKET_KEYS]; /* newest first; key[0] encrypts */
	size_t count;
	struct tls_file file;
	int from_file; /* the keys are the file's */
	int make_own;  /* without a file that has a key, make keys */
	EVP_CIPHER *cipher;
};

/* path may be null. */
void tls_tickets_init(struct tls_tickets *t, char const *path, int make_own);
/* Reads the file if it has changed, drops old keys, makes new ones; `now` as time(2). 1 if the keys
 * are others than before. */
int tls_tickets_refresh(struct tls_tickets *t, time_t now);
/* Reads the text of a key file (lines "SECONDS HEX", 160 digits: name, AES, HMAC key) into keys,
 * newest first, without those that are too old or not born yet; their number, -1 on a bad line. */
int tls_tickets_parse(
    char const *text, size_t len, time_t now, struct tls_ticket_key keys[static TLS_TICKET_KEYS]);
/* Makes ctx use t, which must outlive it. */
void tls_tickets_use(struct tls_tickets *t, SSL_CTX *ctx);
/* Wipes the keys: an engine needs them no more after its handshake. */
void tls_tickets_forget(struct tls_tickets *t);

#endif

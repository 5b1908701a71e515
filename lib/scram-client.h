/* The client's side of SCRAM (RFC 5802, RFC 7677), without channel binding: messages in, messages
 * out. Programs that call it link -lunistring (lib/saslprep.h). */
#ifndef POSTERN_SCRAM_CLIENT_H
#define POSTERN_SCRAM_CLIENT_H

#include "lib/scram.h"

/* A server that asks for fewer would have our proof to try passwords on cheaply (RFC 7677 4); one
 * that asks for more would have us compute for seconds. */
#define SCRAM_CLIENT_ITERATIONS_MIN 4096
#define SCRAM_CLIENT_ITERATIONS_MAX 2000000
#define SCRAM_CLIENT_NONCE 24 /* characters */

struct scram_client {
	enum hash hash;
	stralloc auth_message; /* client-first-message-bare, and what follows it later */
	char nonce[SCRAM_CLIENT_NONCE + 1];
	unsigned char signature[HASH_MAX]; /* that the server must send */
};

/* The first message, appended to out. nonce: null for a random one (tests name theirs). */
void scram_client_first(
    struct scram_client *c, enum hash h, char const *login, char const *nonce, stralloc *out);
/* Reads the server's first message and appends the final one. 0; -1 with the reason in *why when
 * the message is not one to be answered. */
int scram_client_final(struct scram_client *c, char const *server, size_t len, char const *password,
    stralloc *out, char const **why);
/* 1 if the server's final message shows that it knows the password, or its keys. */
int scram_client_verify(struct scram_client const *c, char const *server, size_t len);
/* Wipes everything; also before scram_client_final. */
void scram_client_end(struct scram_client *c);

#endif

/* The key holder's clients: connections that are waiting for a request or for its command. */
#ifndef POSTERN_TLS_KEEPER_H
#define POSTERN_TLS_KEEPER_H

#include <skalibs/tai.h>

#include "lib/tls-request.h"

/* A client that has sent no request by then is let go. */
#define KEEPER_REQUEST_SECONDS 10

struct client {
	struct client *prev, *next; /* those whose request is awaited, oldest first */
	int fd;		   /* tlsd's or the application's end of SSLCTLFD is at the other side */
	int held[TLS_FDS]; /* -1: none yet */
	int has_request;
	char *text; /* the request's strings are in here */
	size_t len;
	struct tls_request request;
	tain deadline; /* of the request */
};

/* What came of reading from a client. */
enum client_does { CLIENT_WAITS, CLIENT_STARTS, CLIENT_STARTS_SILENT, CLIENT_GOES };

/* Takes over fd (non-blocking, close-on-exec). */
struct client *client_new(int fd);
/* Closes everything and frees it. */
void client_free(struct client *c);
/* Reads what is there: the request with its descriptors, or the command. */
enum client_does client_read(struct client *c);
/* The one whose request is awaited longest, or null. */
struct client *client_oldest(void);
/* How many there are. */
unsigned int client_count(void);

#endif

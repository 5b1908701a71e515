/* The key holder's clients, which are connections that are waiting for a request or for its command
 * (tls-keeper-client.c), and the engines that it starts for them (tls-keeper-engines.c). */
#ifndef POSTERN_TLS_KEEPER_H
#define POSTERN_TLS_KEEPER_H

#include <skalibs/tai.h>

#include "bin/tls-serve.h"
#include "lib/tls-request.h"
#include "lib/zygote.h"

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

struct engines {
	struct tls_certs certs;
	struct tls_ids ids;	/* what each becomes */
	unsigned int count;	/* that are alive */
	unsigned int max;	/* of them: more clients are refused */
	unsigned int verbosity; /* of each at least, whatever its request says */
	struct zygote zygote;	/* that they are copies of, with the certificates and keys of now */
};

/* Starts an engine for c, which has its request; silent: nobody wants the reply. c is still the
 * caller's, to be freed. Where there can be none the client is told, if it waits, and the log. */
void engines_start(struct engines *e, struct client *c, int silent);
/* Looks at the files again, if enough time has passed: engines are of what there is now. */
void engines_refresh(struct engines *e);
/* pid was a child and has ended: an engine, or what they are copies of. */
void engines_bury(struct engines *e, pid_t pid);

#endif

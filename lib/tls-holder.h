/* Asking the key holder for an engine (doc/tls.md): descriptors go to its socket, encryption is
 * between them from then on. No OpenSSL. */
#ifndef POSTERN_TLS_HOLDER_H
#define POSTERN_TLS_HOLDER_H

#include <skalibs/tai.h>

#include "lib/tls-request.h"

/* For the key holder to be there, and to take what it is sent. */
#define TLS_HOLDER_SECONDS 5

/* Hands the network (descriptors 0 and 1) and the application's plaintext ends to the key holder
 * whose socket is at path. It begins at once or at a command, as r says. The socket, close-on-exec,
 * for the command and the reply; -1 and errno: it cannot be reached, or too many descriptors are on
 * their way to it, until the deadline (EMSGSIZE: the request's strings are too long). */
int tls_holder_hand_over(char const *path, struct tls_request const *r, int fd_from_app,
    int fd_to_app, tain const *deadline);

/* Two pipes, close-on-exec, for the plaintext: the application's ends and the engine's. */
struct tls_pipes {
	int app_read, app_write, from_app, to_app;
};
/* 0, or -1 and errno. */
int tls_pipes(struct tls_pipes *p);

#endif

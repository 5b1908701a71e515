/* What tlsd and ucspitlsd have in common: options, and the two ways to an engine (exec of one, or
 * the key holder's socket). No OpenSSL. */
#ifndef POSTERN_UCSPITLS_LAUNCH_H
#define POSTERN_UCSPITLS_LAUNCH_H

#include <stddef.h>

#include "lib/tls-holder.h"

struct launch {
	char const *self; /* argv[0]: an engine is looked for beside it */
	struct tls_request request;
	unsigned int sni;
	int keep;	    /* -Z: the application may see KEYFILE and the rest */
	char const *holder; /* TLS_ENGINE, or null */
};

/* Reads the options (exit 100 on bad ones) and the environment; makes POSTERN_ID if there is none.
 * Returns the index of the application in argv. */
int launch_options(struct launch *l, int argc, char *const *argv, char const *usage);

/* Becomes the engine: plaintext from fd_from_app and to fd_to_app, network on 0 and 1; notify (-1:
 * none) gets the reply. Does not return: exit 111 when no engine can be executed. */
void launch_engine(struct launch const *l, int fd_from_app, int fd_to_app, int notify)
    __attribute__((noreturn));

/* As tls_holder_hand_over, within TLS_HOLDER_SECONDS; exits 111 where that fails. */
int launch_hand_over(struct launch const *l, int at_once, int fd_from_app, int fd_to_app);

/* As tls_pipes; exits 111 where that fails. */
void launch_pipes(struct tls_pipes *p);

/* Becomes the application, without the variables that are not for it. */
void launch_app(struct launch const *l, char *const *argv) __attribute__((noreturn));

#endif

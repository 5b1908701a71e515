/* An engine's life: give up all rights, make the handshake, tell the application, relay. */
#ifndef POSTERN_TLS_SERVE_H
#define POSTERN_TLS_SERVE_H

#include <sys/types.h>

#include "bin/tls-certs.h"
#include "lib/tls-request.h"

struct tls_job {
	int fd[TLS_FDS];
	int notify;	  /* gets the reply, then is closed; -1: none */
	int tell_failure; /* a failed handshake is told on notify too (TLS_FAILED_MARK and the code)
			   */
	struct tls_request request;
};

/* TLS_UID and TLS_GID: what an engine started as root becomes. */
struct tls_ids {
	int has_uid, has_gid;
	uid_t uid;
	gid_t gid;
};

/* Reads them; exits 100 if they are no numbers. */
void tls_ids_from_env(struct tls_ids *ids);

/* Gives up every right in this process: of one that is to serve a connection, or, with copies, of
 * what is copied for each (lib/zygote.h). 1, or 0 after saying why. */
int tls_serve_confined(struct tls_ids const *ids, int copies);
/* Serves one connection in this process, which has nothing else to do any more; null ids: it has
 * given up its rights and other descriptors, otherwise it loses both. The exit code. */
int tls_serve(struct tls_certs *certs, struct tls_ids const *ids, struct tls_job const *job);

#endif

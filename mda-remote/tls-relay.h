/* What the TLS process of tls-client.h does behind the handshake: octets both ways. */
#ifndef POSTERN_MDA_REMOTE_TLS_RELAY_H
#define POSTERN_MDA_REMOTE_TLS_RELAY_H

#include <skalibs/tai.h>

struct ssl_st;

/* Waits as SSL wants behind a call that returned r. 0, -1 at the deadline. */
int tls_relay_wait(struct ssl_st *ssl, int r, tain const *deadline);
/* Both ways until either side ends; both descriptors are non-blocking. The deadlines are
 * smtp-send's, which closes its end. */
void tls_relay(struct ssl_st *ssl, int fd_net, int fd_plain);

#endif

/* Between the encrypted network and the application's plaintext, in both directions, until both
 * have ended. */
#ifndef POSTERN_TLS_RELAY_H
#define POSTERN_TLS_RELAY_H

#include <openssl/ssl.h>

/* Once the application is gone, the rest of what it wrote may take so long to reach the peer, */
#define TLS_FLUSH_SECONDS 60
/* and the peer's own end so long, so that closing the socket does not destroy what is on its way.
 */
#define TLS_CLOSE_SECONDS 5
/* A connection that lasts longer gives memory back that it does not need. */
#define TLS_REST_SECONDS 2

/* Relays over ssl (handshake done, non-blocking network) and the application's two descriptors,
 * which it makes non-blocking and closes: null, or why it ended badly (a static string).
 * strict_eof: a peer's end without close_notify is bad. One relay in a process at a time. */
char const *tls_relay(SSL *ssl, int from_app, int to_app, int strict_eof);

#endif

/* OpenSSL 3 fetches algorithms at their first use and keeps them. A handshake made before any fork
 * spares every engine that work (measured in doc/tls.md), and shows that the pair can be used. */
#ifndef POSTERN_TLS_WARM_H
#define POSTERN_TLS_WARM_H

#include <openssl/ssl.h>

/* Handshakes of TLS 1.2 and 1.3 with itself in memory, full and resumed: 1, or 0 (errors cleared).
 * A server that gives tickets has a key for them by then. */
int tls_warm(SSL_CTX *server);

#endif

/* Sessions that a later connection to the same host takes up again (RFC 8446 2.2, RFC 5077), within
 * the TLS process. A session is bound to the rule by which its server was verified: the digest of
 * that rule is in it, and one with another digest is never offered. */
#ifndef POSTERN_MDA_REMOTE_TLS_SESSION_H
#define POSTERN_MDA_REMOTE_TLS_SESSION_H

#include <openssl/ssl.h>

#include "mda-remote/tls-client.h"

/* Sessions of ctx will come here. */
void tls_session_prepare(SSL_CTX *ctx);
/* Before the handshake: binds ssl to the rule (check: what is left of e->check; ca: the file of
 * CAs, or null) and offers e->session, unless that is damaged, of another rule, or of a certificate
 * that has expired since. */
void tls_session_offer(SSL *ssl, struct tls_expect const *e, enum tls_check check, char const *ca);
/* Behind a handshake that fulfilled the rule, and then only: what the server gives is sent to fd in
 * hexadecimal, one packet each, dropped where that would wait. */
void tls_session_hand_over(SSL *ssl, int fd);

#endif

/* One connection's handshake: what the client asks for, and what the application is told of it. */
#ifndef POSTERN_TLS_SESSION_H
#define POSTERN_TLS_SESSION_H

#include <stddef.h>
#include <openssl/ssl.h>
#include <skalibs/tai.h>

#include "bin/tls-certs.h"
#include "lib/tls-request.h"

/* Sets up a connection over the two (non-blocking) network descriptors; r must outlive it. Null
 * after a message: no certificate, or client certificates asked for without CAFILE; *exitcode says
 * which. */
SSL *tls_session_new(struct tls_certs const *certs, struct tls_request const *r, int net_in,
    int net_out, int *exitcode);

/* Client certificates, where they are asked for, must descend from those of certs: 1, or 0. */
int tls_session_verify(SSL *ssl, struct tls_certs const *certs);

/* Makes the handshake before the deadline: null, or why not (a static string); ETIMEDOUT in errno
 * for the deadline. */
char const *tls_session_handshake(SSL *ssl, tain const *deadline);

/* The reply to the application (UCSPI-TLS: seven variables, each with a NUL, and a
 * NUL): its length. */
size_t tls_session_reply(SSL *ssl, char reply[static TLS_REPLY_MAX]);

/* The server name asked for, lower case, with a NUL: 1, or 0 if there is none, or it is no name. */
int tls_session_sni(SSL *ssl, char name[static TLS_NAME_MAX + 1]);

/* OpenSSL's callback for ALPN (RFC 7301): the first of the server's protocols that the client has;
 * the alert no_application_protocol if there is none. */
int tls_session_alpn(SSL *ssl, unsigned char const **out, unsigned char *outlen,
    unsigned char const *in, unsigned int inlen, void *arg);

#endif

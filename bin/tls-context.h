/* One certificate pair as an SSL_CTX: protocol versions, ciphers, options. */
#ifndef POSTERN_TLS_CONTEXT_H
#define POSTERN_TLS_CONTEXT_H

#include <openssl/ssl.h>

struct tls_certs;

/* TLS 1.2 and 1.3 (RFC 8996, RFC 9325), forward secrecy and AEAD only. TLS_CIPHERS in the
 * environment is OpenSSL's cipher list for 1.2 instead. Null with OpenSSL's error queued. */
SSL_CTX *tls_context_new(char const *key, char const *cert);
/* Loads one more pair, of another algorithm: 1, or 0 with OpenSSL's error queued. */
int tls_context_add(SSL_CTX *ctx, char const *key, char const *cert);
/* The server name that the client asks for chooses among certs, which must outlive ctx. */
void tls_context_names(SSL_CTX *ctx, struct tls_certs *certs);
/* A bit for the kind of its key. */
unsigned int tls_context_kind(SSL_CTX *ctx);

#endif

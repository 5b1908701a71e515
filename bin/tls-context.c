#include "bin/tls-context.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <openssl/evp.h>

#include "bin/tls-certs.h"
#include "bin/tls-session.h"

/* RFC 9325 4.2: ephemeral keys, authenticated encryption. */
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL"

/* A key with a passphrase is an error here, not a question on the terminal. */
static int
no_passphrase(char *buf, int size, int writing, void *data)
{
	(void)buf, (void)size, (void)writing, (void)data;
	return -1;
}

int
tls_context_add(SSL_CTX *ctx, char const *key, char const *cert)
{
	return SSL_CTX_use_certificate_chain_file(ctx, cert) == 1 &&
	       SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) == 1 &&
	       SSL_CTX_check_private_key(ctx) == 1;
}

static int
set_up(SSL_CTX *ctx, char const *key, char const *cert)
{
	char const *ciphers = getenv("TLS_CIPHERS");
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
				     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
#ifdef SSL_OP_CLEANSE_PLAINTEXT
	SSL_CTX_set_options(ctx, SSL_OP_CLEANSE_PLAINTEXT);
#endif
	/* OpenSSL looks at dates when the sandbox is on. */
	tzset();
	/* An idle connection keeps no buffers. */
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				  SSL_MODE_RELEASE_BUFFERS);
	/* Fewer reads; the relay reads until nothing is left, so nothing can be overlooked. */
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
	return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) &&
	       SSL_CTX_set_cipher_list(ctx, ciphers && *ciphers ? ciphers : CIPHERS) &&
	       tls_context_add(ctx, key, cert);
}

SSL_CTX *
tls_context_new(char const *key, char const *cert)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	if (!ctx || set_up(ctx, key, cert))
		return ctx;
	SSL_CTX_free(ctx);
	return 0;
}

/* RFC 6066 section 3. Without a pair for the name the default one answers: many mail programs ask
 * for a name that they do not check. */
static int
choose_name(SSL *ssl, int *alert, void *arg)
{
	char name[TLS_NAME_MAX + 1];
	(void)alert;
	if (!tls_session_sni(ssl, name))
		return SSL_TLSEXT_ERR_NOACK;
	SSL_CTX *ctx = tls_certs_find(arg, name);
	if (!ctx || ctx == SSL_get_SSL_CTX(ssl))
		return SSL_TLSEXT_ERR_OK;
	/* The connection's store of CAs goes with its former context. */
	if (!SSL_set_SSL_CTX(ssl, ctx) || !tls_session_verify(ssl, arg))
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	return SSL_TLSEXT_ERR_OK;
}

void
tls_context_names(SSL_CTX *ctx, struct tls_certs *certs)
{
	SSL_CTX_set_tlsext_servername_callback(ctx, choose_name);
	SSL_CTX_set_tlsext_servername_arg(ctx, certs);
	SSL_CTX_set_alpn_select_cb(ctx, tls_session_alpn, 0);
}

unsigned int
tls_context_kind(SSL_CTX *ctx)
{
	switch (EVP_PKEY_get_base_id(SSL_CTX_get0_privatekey(ctx))) {
	case EVP_PKEY_RSA:
		return 1;
	case EVP_PKEY_EC:
		return 2;
	default:
		return 4;
	}
}

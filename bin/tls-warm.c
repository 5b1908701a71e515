#include "bin/tls-warm.h"

#include <openssl/bio.h>
#include <openssl/err.h>

/* A handshake takes three turns; more means that it does not come to an end. */
#define TURNS_MAX 10

/* Both sides in turn until both are ready, then a byte each way and the client's tickets. */
static int
shake(SSL *server, SSL *client)
{
	char byte = 'x';
	int ready = 0;
	for (int i = 0; i < TURNS_MAX && !ready; i++) {
		int c = SSL_do_handshake(client), s = SSL_do_handshake(server);
		ready = c == 1 && s == 1;
	}
	return ready && SSL_write(client, &byte, 1) == 1 && SSL_read(server, &byte, 1) == 1 &&
	       SSL_write(server, &byte, 1) == 1 && SSL_read(client, &byte, 1) == 1;
}

/* One connection, resuming *session if there is one; *session becomes the new one. */
static int
connect_once(SSL_CTX *server_ctx, SSL_CTX *client_ctx, SSL_SESSION **session)
{
	SSL *server = SSL_new(server_ctx), *client = SSL_new(client_ctx);
	BIO *a = 0, *b = 0;
	int ok = server && client && BIO_new_bio_pair(&a, 0, &b, 0);
	if (ok) {
		SSL_set_bio(server, a, a);
		SSL_set_bio(client, b, b);
		SSL_set_accept_state(server);
		SSL_set_connect_state(client);
		if (*session)
			SSL_set_session(client, *session);
		ok = shake(server, client) && SSL_session_reused(server) == (*session != 0);
		/* Without an end OpenSSL takes a session for a bad one, not to be resumed. */
		SSL_set_shutdown(client, SSL_SENT_SHUTDOWN);
	}
	SSL_SESSION_free(*session);
	*session = ok ? SSL_get1_session(client) : 0;
	SSL_free(server);
	SSL_free(client);
	return ok;
}

int
tls_warm(SSL_CTX *server)
{
	static int const versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
	int ok = 1;
	for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
		SSL_CTX *client = SSL_CTX_new(TLS_client_method());
		SSL_SESSION *session = 0;
		ok &= client && SSL_CTX_set_max_proto_version(client, versions[i]) &&
		      connect_once(server, client, &session) &&
		      connect_once(server, client, &session);
		SSL_SESSION_free(session);
		SSL_CTX_free(client);
	}
	ERR_clear_error();
	return ok;
}

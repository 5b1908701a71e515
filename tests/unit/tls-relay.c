/* The relay against a client in this process: key updates in both directions, a peer that goes on
 * sending when the application is gone, a peer that takes nothing. */
// objects: bin/tls-relay.o
// libs: -lssl -lcrypto
#include "tests/unit/tap.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "bin/tls-relay.h"

static SSL_CTX *server_ctx, *client_ctx;

static SSL_CTX *
self_signed(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), 0);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_set_pubkey(cert, key);
	X509_sign(cert, key, EVP_sha256());
	SSL_CTX_use_certificate(ctx, cert);
	SSL_CTX_use_PrivateKey(ctx, key);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_read_ahead(ctx, 1);
	return ctx;
}

struct pair {
	SSL *client;
	int app_in, app_out; /* the application's ends */
	pid_t pid;
};

/* A relay in a child, the application's ends and a connected client here. */
static struct pair
start(int version)
{
	int net[2], in[2], out[2];
	struct pair p;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, net) < 0 || pipe(in) < 0 || pipe(out) < 0)
		exit(111);
	fflush(stdout);
	p.pid = fork();
	if (!p.pid) {
		close(net[0]);
		close(in[0]);
		close(out[1]);
		SSL *ssl = SSL_new(server_ctx);
		SSL_set_fd(ssl, net[1]);
		if (SSL_accept(ssl) != 1)
			_exit(97);
		fcntl(net[1], F_SETFL, O_NONBLOCK);
		_exit(tls_relay(ssl, out[0], in[1], 0) ? 98 : 0);
	}
	close(net[1]);
	close(in[1]);
	close(out[0]);
	p.app_in = in[0];
	p.app_out = out[1];
	p.client = SSL_new(client_ctx);
	SSL_set_fd(p.client, net[0]);
	SSL_set_max_proto_version(p.client, version);
	tap_ok(SSL_connect(p.client) == 1, "handshake");
	return p;
}

/* The relay's exit code; closes the client's socket. */
static int
end(struct pair *p)
{
	int status, fd = SSL_get_fd(p->client);
	SSL_free(p->client);
	close(fd);
	waitpid(p->pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000;
}

static int
there_and_back(struct pair *p, char const *s)
{
	char buf[100];
	int n = (int)strlen(s);
	if (SSL_write(p->client, s, n) != n || read(p->app_in, buf, sizeof buf) != n ||
	    memcmp(buf, s, (size_t)n))
		return 0;
	if (write(p->app_out, s, (size_t)n) != n || SSL_read(p->client, buf, sizeof buf) != n)
		return 0;
	return !memcmp(buf, s, (size_t)n);
}

static void
key_updates(void)
{
	struct pair p = start(TLS1_3_VERSION);
	tap_ok(there_and_back(&p, "before"), "data before");
	for (int i = 0; i < 3; i++) {
		SSL_key_update(p.client, SSL_KEY_UPDATE_REQUESTED);
		tap_ok(
		    there_and_back(&p, "requested"), "data after a key update that asks for one");
		SSL_key_update(p.client, SSL_KEY_UPDATE_NOT_REQUESTED);
		tap_ok(there_and_back(&p, "own"), "data after a key update");
	}
	/* While the application's output waits in the relay: the answer must not be lost. */
	char block[4096] = {0}, sink[sizeof block];
	size_t sent = 0, got = 0;
	fcntl(p.app_out, F_SETFL, O_NONBLOCK);
	struct pollfd room = {.fd = p.app_out, .events = POLLOUT};
	while (poll(&room, 1, 200) > 0)
		for (ssize_t w; (w = write(p.app_out, block, sizeof block)) > 0;)
			sent += (size_t)w;
	SSL_key_update(p.client, SSL_KEY_UPDATE_REQUESTED);
	SSL_do_handshake(p.client);
	while (got < sent) {
		int n = SSL_read(p.client, sink, sizeof sink);
		if (n <= 0)
			break;
		got += (size_t)n;
	}
	tap_ok(sent > 100000 && got == sent, "a key update under a full output buffer");
	fcntl(p.app_out, F_SETFL, 0);
	tap_ok(there_and_back(&p, "after"), "data after it");
	close(p.app_in);
	close(p.app_out);
	char c;
	tap_num("close_notify", SSL_read(p.client, &c, 1), 0);
	tap_num("which is orderly", SSL_get_error(p.client, 0), SSL_ERROR_ZERO_RETURN);
	tap_num("the relay ends well", end(&p), 0);
}

/* TLS_CLOSE_SECONDS bounds a client that never stops. */
static void
endless_client(int version)
{
	struct pair p = start(version);
	char block[4096] = {0};
	close(p.app_in);
	close(p.app_out);
	time_t begin = time(0);
	fcntl(SSL_get_fd(p.client), F_SETFL, O_NONBLOCK);
	/* Looked at, not reaped: end() wants its status. */
	siginfo_t ended = {.si_pid = 0};
	while (time(0) - begin < TLS_CLOSE_SECONDS + 5 &&
	    waitid(P_PID, (id_t)p.pid, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && !ended.si_pid) {
		if (SSL_write(p.client, block, sizeof block) <= 0 &&
		    SSL_get_error(p.client, -1) != SSL_ERROR_WANT_WRITE)
			break;
	}
	time_t took = time(0) - begin;
	tap_ok(took >= TLS_CLOSE_SECONDS - 1 && took <= TLS_CLOSE_SECONDS + 2,
	    "a client that never stops is left: %d s", (int)took);
	tap_num("without complaint", end(&p), 0);
}

int
main(void)
{
	signal(SIGPIPE, SIG_IGN);
	server_ctx = self_signed();
	client_ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_mode(client_ctx, SSL_MODE_AUTO_RETRY);
	key_updates();
	endless_client(TLS1_3_VERSION);
	return tap_done();
}

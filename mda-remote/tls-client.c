#include "mda-remote/tls-client.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "lib/sandbox.h"
#include "lib/skalibs-compat.h"
#include "lib/ucspi.h"
#include "mda-remote/limits.h"
#include "mda-remote/tls-relay.h"
#include "mda-remote/tls-session.h"
#include "mda-remote/tlsa.h"

/* The process that parses what the server says of TLS: the connection and two sockets to its
 * parent. No file, no other socket, no process. */
static struct sandbox const sandbox_policy = {
    .calls = SANDBOX_NETWORK, .file_size = 0, .processes = SANDBOX_ANY};

#define RESULT_SECONDS 5 /* that the relay process has to say that its deadline is over */

static SSL_CTX *ctx;
static char const *ca_file;  /* null: the system's, or none */
static int fd_sessions = -1; /* what the TLS process hands over */

static int
fail(struct tls_client *t, char const *type, char const *what)
{
	unsigned long e = ERR_get_error();
	char const *reason = e ? ERR_reason_error_string(e) : 0;
	snprintf(t->type, sizeof t->type, "%s", type);
	snprintf(t->why, sizeof t->why, "%s%s%s", what, reason ? ": " : "", reason ? reason : "");
	return -1;
}

int
tls_client_prepare(struct tls_client *t, int pkix, char const *ca)
{
	if (!OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, 0))
		return fail(t, "", "OpenSSL");
	ctx = SSL_CTX_new(TLS_client_method());
	if (!ctx || SSL_CTX_dane_enable(ctx) <= 0)
		return fail(t, "", "OpenSSL");
	/* RFC 7672 3.1.1: what the record names needs no name. */
	SSL_CTX_dane_set_flags(ctx, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
	/* Where the other choice is no TLS at all, anything that the library allows is better. */
	SSL_CTX_set_min_proto_version(ctx, 0);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	tls_session_prepare(ctx);
	tzset(); /* it asks for the time zone when the sandbox is on */
	if (!pkix)
		return 0;
	ca_file = ca;
	if (ca ? !SSL_CTX_load_verify_locations(ctx, ca, 0)
	       : !SSL_CTX_set_default_verify_paths(ctx))
		return fail(t, "", ca ? ca : "CA certificates");
	return 0;
}

/* ---- whom to expect ---- */

/* A certificate that is wrong does not end the handshake: the result is read behind it. */
static int
go_on(int good, X509_STORE_CTX *x)
{
	(void)good;
	(void)x;
	return 1;
}

static void
verify(SSL *ssl, struct tls_expect const *e)
{
	SSL_set_min_proto_version(ssl, TLS1_2_VERSION);
	/* RFC 7672 3.2.3, RFC 6125 6.4.3 */
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	for (unsigned int i = 0; i < e->alsos; i++)
		SSL_add1_host(ssl, e->also[i]);
	SSL_set_verify(ssl, SSL_VERIFY_PEER, e->soft ? go_on : 0);
}

/* How many records can be used. PKIX-TA(0) and PKIX-EE(1) cannot in SMTP (RFC 7672 3.1.3), nor can
 * what OpenSSL does not know or cannot read (RFC 7671 9 is its business as well). */
static unsigned int
add_records(SSL *ssl, struct tls_expect const *e)
{
	unsigned int n = 0;
	if (SSL_dane_enable(ssl, e->name) <= 0)
		return 0;
	for (unsigned int i = 0; i < e->records; i++) {
		struct tlsa const *t = e->record + i;
		if (t->usage == TLSA_DANE_TA || t->usage == TLSA_DANE_EE)
			n += SSL_dane_tlsa_add(
				 ssl, t->usage, t->selector, t->matching, t->data, t->len) > 0;
	}
	ERR_clear_error();
	return n;
}

static int
listed(struct tls_expect const *e, unsigned char const *digest, unsigned int n)
{
	char hex[2 * EVP_MAX_MD_SIZE + 1];
	for (unsigned int i = 0; i < n; i++)
		sprintf(hex + 2 * (size_t)i, "%02x", digest[i]);
	for (unsigned int i = 0; i < e->digests; i++)
		if (!strcmp(hex, e->digest[i]))
			return 1;
	return 0;
}

/* The certificate's digest, or its public key's, is listed. */
static int
fingerprint_matches(SSL *ssl, struct tls_expect const *e)
{
	unsigned char digest[EVP_MAX_MD_SIZE], *key = 0;
	unsigned int n;
	X509 *x = SSL_get1_peer_certificate(ssl);
	int found = x && X509_digest(x, EVP_sha256(), digest, &n) && listed(e, digest, n);
	int len = x ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &key) : 0;
	if (!found && len > 0 && EVP_Digest(key, (size_t)len, digest, &n, EVP_sha256(), 0))
		found = listed(e, digest, n);
	OPENSSL_free(key);
	X509_free(x);
	return found;
}

static void
at_least(SSL *ssl, struct tls_expect const *e)
{
	static int const versions[] = {
	    TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION};
	if (e->min >= 10 && e->min <= 13)
		SSL_set_min_proto_version(ssl, versions[e->min - 10]);
}

static void
by_ca(SSL *ssl, struct tls_expect const *e)
{
	unsigned char addr[16];
	if (ucspi_scan(e->name, addr))
		X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), e->name);
	else
		SSL_set1_host(ssl, e->name);
	verify(ssl, e);
}

/* A client that expects this; *check is how it verifies. Null: it cannot be had. */
static SSL *
client(struct tls_client *t, struct tls_expect const *e, enum tls_check *check)
{
	unsigned char addr[16];
	struct tls_expect other = *e;
	SSL *ssl = SSL_new(ctx);
	*check = e->check;
	if (ssl && e->check == TLS_BY_DANE) {
		if (add_records(ssl, e)) {
			verify(ssl, e);
			at_least(ssl, e);
			return ssl;
		}
		fail(t, "tlsa-invalid", "none of the TLSA records can be used");
		*check = other.check = e->unusable;
		other.soft = e->unusable_soft;
		other.name = e->host;
		other.alsos = 0;
		e = &other;
		SSL_free(ssl);
		ssl = *check == TLS_REFUSE ? 0 : SSL_new(ctx);
		if (!ssl)
			return 0;
	}
	if (!ssl) {
		fail(t, "", "OpenSSL");
		return 0;
	}
	/* An address is no server name (RFC 6066 3). */
	if (!ucspi_scan(e->host, addr))
		SSL_set_tlsext_host_name(ssl, e->host);
	if (*check == TLS_PKIX)
		by_ca(ssl, e);
	at_least(ssl, e);
	return ssl;
}

/* ---- the relay process ---- */

/* RFC 8460 4.3.1 */
static char const *
type_of(long result)
{
	switch (result) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return "certificate-expired";
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return "certificate-host-mismatch";
	case X509_V_ERR_DANE_NO_MATCH:
		return "validation-failure";
	default:
		return "certificate-not-trusted";
	}
}

static void
certificate_failed(struct tls_client *t, long result)
{
	ERR_clear_error();
	fail(t, type_of(result), X509_verify_cert_error_string(result));
}

/* The session goes to those that fulfilled the rule only: who takes it up is not verified again. */
static void
established(struct tls_client *t, SSL *ssl, enum tls_check check, int fd_side)
{
	long v = SSL_get_verify_result(ssl);
	snprintf(t->protocol, sizeof t->protocol, "%s", SSL_get_version(ssl));
	snprintf(t->cipher, sizeof t->cipher, "%s", SSL_get_cipher_name(ssl));
	t->reused = SSL_session_reused(ssl);
	if (check != TLS_ANY && check != TLS_BY_DIGEST) {
		if (v != X509_V_OK) {
			certificate_failed(t, v);
			return;
		}
		strcpy(t->verified, check == TLS_PKIX ? "pkix" : "dane");
	}
	tls_session_hand_over(ssl, fd_side);
}

static SSL *
handshake(struct tls_client *t, int fd, int fd_side, struct tls_expect const *e,
    unsigned int seconds)
{
	tain deadline;
	enum tls_check check;
	int r;
	SSL *ssl = client(t, e, &check);
	if (!ssl || !SSL_set_fd(ssl, fd))
		return 0;
	tls_session_offer(ssl, e, check, ca_file);
	tain_now_g();
	tain_addsec_g(&deadline, (int)seconds);
	while ((r = SSL_connect(ssl)) != 1)
		if (tls_relay_wait(ssl, r, &deadline) < 0) {
			long v = check == TLS_ANY || check == TLS_BY_DIGEST ? X509_V_OK : SSL_get_verify_result(ssl);
			if (v != X509_V_OK)
				certificate_failed(t, v);
			else
				fail(t, "validation-failure", "TLS handshake");
			return 0;
		}
	if (check == TLS_BY_DIGEST && !fingerprint_matches(ssl, e)) {
		fail(t, "validation-failure", "the certificate has none of the fingerprints");
		return 0;
	}
	established(t, ssl, check, fd_side);
	return ssl;
}

static void run(struct tls_client *t, int fd, int fd_plain, int fd_side,
    struct tls_expect const *expect, unsigned int seconds) __attribute__((noreturn));
static void
run(struct tls_client *t, int fd, int fd_plain, int fd_side, struct tls_expect const *expect,
    unsigned int seconds)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* Neither the link to mda-remote nor a message's file. */
	close(0);
	sandbox_close_but((int[]){fd, fd_plain, fd_side}, 3);
	sandbox_enter(&sandbox_policy);
	SSL *ssl = handshake(t, fd, fd_side, expect, seconds);
	if (write(fd_plain, t, sizeof *t) != sizeof *t)
		_exit(111);
	if (!ssl)
		_exit(100);
	ndelay_on(fd_plain);
	tls_relay(ssl, fd, fd_plain);
	_exit(0);
}

/* 1 if there is something to be read before the deadline. */
static int
readable(int fd, tain const *deadline)
{
	struct pollfd x = {.fd = fd, .events = POLLIN};
	tain left;
	int r;
	do {
		tain_now_g();
		if (!tain_future(deadline))
			return 0;
		tain_sub(&left, deadline, &STAMP);
		r = poll(&x, 1, tain_to_millisecs(&left) + 1);
	} while (r < 0 && errno == EINTR);
	return r > 0;
}

/* What the relay process, pid, says of its handshake; one that a peer may have taken over. It has
 * a deadline of its own, and dies when it does not keep it. */
static int
read_result(struct tls_client *t, int fd, pid_t pid, unsigned int seconds)
{
	size_t have = 0;
	tain deadline;
	tain_now_g();
	tain_addsec_g(&deadline, (int)seconds + RESULT_SECONDS);
	while (have < sizeof *t && readable(fd, &deadline)) {
		ssize_t n = read(fd, (char *)t + have, sizeof *t - have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		have += (size_t)n;
	}
	if (have != sizeof *t)
		kill(pid, SIGKILL);
	t->protocol[sizeof t->protocol - 1] = t->cipher[sizeof t->cipher - 1] = 0;
	t->why[sizeof t->why - 1] = t->type[sizeof t->type - 1] = 0;
	t->verified[sizeof t->verified - 1] = 0;
	if (have != sizeof *t)
		fail(t, "", "the TLS process died");
	return have == sizeof *t && t->protocol[0] ? 0 : -1;
}

int
tls_client_start(
    struct tls_client *t, int fd, struct tls_expect const *expect, unsigned int seconds)
{
	int pair[2] = {-1, -1}, side[2] = {-1, -1};
	memset(t, 0, sizeof *t);
	if (fd_sessions >= 0)
		close(fd_sessions);
	fd_sessions = -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, side) < 0) {
		fail(t, "", "socketpair");
		close(fd);
		close(pair[0]);
		close(pair[1]);
		return -1;
	}
	pid_t pid = fork();
	if (!pid)
		run(t, fd, pair[1], side[1], expect, seconds);
	close(pair[1]);
	close(side[1]);
	fd_sessions = side[0];
	close(fd);
	if (pid < 0)
		fail(t, "", "fork");
	if (pid < 0 || read_result(t, pair[0], pid, seconds) < 0) {
		close(pair[0]);
		return -1;
	}
	return pair[0];
}

int
tls_client_session(char to[static TLS_SESSION_MAX + 1])
{
	ssize_t n =
	    fd_sessions < 0 ? 0 : recv(fd_sessions, to, TLS_SESSION_MAX + 1, MSG_DONTWAIT);
	if (n <= 0 || n > TLS_SESSION_MAX)
		return 0;
	to[n] = 0;
	/* From a process that a peer may have taken over. */
	return strspn(to, "0123456789ABCDEF") == (size_t)n;
}

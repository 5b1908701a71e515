#include "bin/tls-session.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <skalibs/iopause.h>

#include "lib/ascii.h"
#include "lib/log.h"

/* A subject or issuer of this length is not passed on: the reply has a limit. */
#define DN_MAX 1024

/* ---- set-up -----------------------------------------------------------------------------------
 */

int
tls_session_verify(SSL *ssl, struct tls_certs const *certs)
{
	return SSL_get_verify_mode(ssl) == SSL_VERIFY_NONE ||
	       (certs->store && SSL_set1_verify_cert_store(ssl, certs->store));
}

/* Which client certificates were asked for is part of a session: one made without must not be
 * resumed where one is needed. */
static int
set_client_cert(SSL *ssl, struct tls_certs const *certs, enum tls_client_cert how)
{
	static char const *const contexts[] = {"none", "ask", "must"};
	if (!SSL_set_session_id_context(
		ssl, (unsigned char const *)contexts[how], (unsigned int)strlen(contexts[how])))
		return 0;
	if (how == TLS_CERT_NONE)
		return 1;
	if (certs->ca_names)
		SSL_set_client_CA_list(ssl, SSL_dup_CA_list(certs->ca_names));
	SSL_set_verify(
	    ssl, SSL_VERIFY_PEER | (how == TLS_CERT_MUST ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), 0);
	return tls_session_verify(ssl, certs);
}

SSL *
tls_session_new(struct tls_certs const *certs, struct tls_request const *r, int net_in, int net_out,
    int *exitcode)
{
	SSL_CTX *ctx = tls_certs_find(certs, 0);
	SSL *ssl = ctx ? SSL_new(ctx) : 0;
	*exitcode = ctx ? TLS_EXIT_SYSTEM : TLS_EXIT_KEYS;
	if (!ssl) {
		log_1("failed", "reason", ctx ? tls_error() : "no certificate");
		return 0;
	}
	if (!set_client_cert(ssl, certs, r->client_cert)) {
		*exitcode = TLS_EXIT_USAGE;
		log_1("failed", "reason", "client certificates need CAFILE");
		SSL_free(ssl);
		return 0;
	}
	if (!certs->tickets.count) {
		SSL_set_options(ssl, SSL_OP_NO_TICKET);
		SSL_set_num_tickets(ssl, 0);
	}
	/* Without close_notify the end may be an attacker's; mail protocols notice themselves, and
	 * too many clients just go. */
	if (!r->strict_eof)
		SSL_set_options(ssl, SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_set_app_data(ssl, (void *)(uintptr_t)r);
	SSL_set_rfd(ssl, net_in);
	SSL_set_wfd(ssl, net_out);
	SSL_set_accept_state(ssl);
	return ssl;
}

/* ---- what the client asks for -----------------------------------------------------------------
 */

int
tls_session_sni(SSL *ssl, char name[static TLS_NAME_MAX + 1])
{
	static char const allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-._";
	char const *s = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	size_t n = s ? strlen(s) : 0;
	if (!n || n > TLS_NAME_MAX)
		return 0;
	memcpy(name, s, n + 1);
	ascii_lower(name, n);
	return strspn(name, allowed) == n;
}

/* Looks for a protocol of length n in the client's list. */
static unsigned char const *
find_protocol(unsigned char const *in, unsigned int inlen, char const *s, size_t n)
{
	for (unsigned int i = 0; i < inlen && in[i] < inlen - i; i += in[i] + 1u)
		if (in[i] == n && !memcmp(in + i + 1, s, n))
			return in + i;
	return 0;
}

int
tls_session_alpn(SSL *ssl, unsigned char const **out, unsigned char *outlen,
    unsigned char const *in, unsigned int inlen, void *arg)
{
	static char const separators[] = ", ";
	struct tls_request const *r = SSL_get_app_data(ssl);
	(void)arg;
	char const *s = r ? r->alpn : "";
	if (!s[strspn(s, separators)])
		return SSL_TLSEXT_ERR_NOACK;
	while (*s) {
		size_t n = strcspn(s, separators);
		unsigned char const *p = n ? find_protocol(in, inlen, s, n) : 0;
		if (p) {
			*out = p + 1;
			*outlen = *p;
			return SSL_TLSEXT_ERR_OK;
		}
		s += n + strspn(s + n, separators);
	}
	/* RFC 7301 3.2, RFC 9325 3.8: a browser that somebody sends here must not get an answer. */
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* ---- the handshake ----------------------------------------------------------------------------
 */

char const *
tls_session_handshake(SSL *ssl, tain const *deadline)
{
	for (;;) {
		ERR_clear_error();
		errno = 0;
		int r = SSL_accept(ssl);
		if (r == 1)
			return 0;
		int want = SSL_get_error(ssl, r);
		if (want == SSL_ERROR_SYSCALL || want == SSL_ERROR_ZERO_RETURN)
			return errno ? strerror(errno) : "the peer ended the connection";
		if (want != SSL_ERROR_WANT_READ && want != SSL_ERROR_WANT_WRITE)
			return tls_error();
		int reading = want == SSL_ERROR_WANT_READ;
		iopause_fd x = {.fd = reading ? SSL_get_rfd(ssl) : SSL_get_wfd(ssl),
		    .events = reading ? IOPAUSE_READ : IOPAUSE_WRITE};
		if (!iopause_g(&x, 1, deadline)) {
			errno = ETIMEDOUT;
			return "handshake timed out";
		}
	}
}

/* ---- the reply --------------------------------------------------------------------------------
 */

struct reply {
	char *s;
	size_t len;
};

/* "NAME=value", or the bare name, which unsets it. */
static void
add(struct reply *r, char const *name, char const *value)
{
	int n = snprintf(r->s + r->len, TLS_REPLY_MAX - 1 - r->len, "%s%s%s", name,
	    value ? "=" : "", value ? value : "");
	r->len += (size_t)n + 1;
}

/* A list of /NAME=VALUE that can be read in one way only, or 0: a value may hold what looks like a
 * further name, or like an octet that was escaped. */
static int
put_name(char text[static DN_MAX], X509_NAME const *name)
{
	for (int i = 0; i < X509_NAME_entry_count(name); i++) {
		ASN1_STRING const *value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, i));
		unsigned char const *s = ASN1_STRING_get0_data(value);
		size_t n = (size_t)ASN1_STRING_length(value);
		if (n && (memchr(s, '/', n) || memchr(s, '\\', n)))
			return 0;
	}
	/* Escapes what is not printable. */
	char *whole = X509_NAME_oneline(name, 0, 0);
	size_t n = whole ? strlen(whole) : DN_MAX;
	if (n < DN_MAX)
		memcpy(text, whole, n + 1);
	OPENSSL_free(whole);
	return n < DN_MAX;
}

static void
add_name(struct reply *r, char const *variable, X509_NAME const *name)
{
	char text[DN_MAX];
	add(r, variable, name && put_name(text, name) ? text : 0);
}

static void
add_certificate(struct reply *r, X509 *cert)
{
	static char const digits[] = "0123456789abcdef";
	unsigned char digest[EVP_MAX_MD_SIZE];
	char hash[sizeof "SHA256:" + sizeof digest * 2] = "SHA256:";
	unsigned int n = 0;
	if (cert && !X509_digest(cert, EVP_sha256(), digest, &n))
		cert = 0;
	char *h = hash + strlen(hash);
	for (unsigned int i = 0; i < n; i++) {
		*h++ = digits[digest[i] >> 4];
		*h++ = digits[digest[i] & 15];
	}
	*h = 0;
	add(r, "SSL_PEER_CERT_HASH", cert ? hash : 0);
	add_name(r, "SSL_PEER_CERT_SUBJECT", cert ? X509_get_subject_name(cert) : 0);
}

size_t
tls_session_reply(SSL *ssl, char reply[static TLS_REPLY_MAX])
{
	struct reply r = {.s = reply};
	char name[TLS_NAME_MAX + 1], bits[12];
	X509 *cert = SSL_get0_peer_certificate(ssl);
	snprintf(bits, sizeof bits, "%d", SSL_get_cipher_bits(ssl, 0));
	add(&r, "SSL_PROTOCOL", SSL_get_version(ssl));
	add(&r, "SSL_CIPHER", SSL_get_cipher_name(ssl));
	add(&r, "SSL_TLS_SNI_SERVERNAME", tls_session_sni(ssl, name) ? name : 0);
	add_certificate(&r, cert);
	/* So far it is what s6-tlsd tells, in its order. */
	add(&r, "SSL_CIPHER_BITS", bits);
	add_name(&r, "SSL_PEER_CERT_ISSUER", cert ? X509_get_issuer_name(cert) : 0);
	reply[r.len++] = 0;
	return r.len;
}

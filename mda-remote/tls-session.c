#include "mda-remote/tls-session.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <openssl/err.h>

#include "lib/sa.h"
#include "mda-remote/limits.h"
#include "mda-remote/tlsa.h"

#define DIGEST 32 /* SHA-256; no more fits (SSL_MAX_SID_CTX_LENGTH) */

static int fd_out = -1; /* -1: the rule is not fulfilled (yet) */

static void
digest(unsigned char to[static DIGEST], void const *s, size_t n)
{
	if (!EVP_Digest(s, n, to, 0, EVP_sha256(), 0))
		abort();
}

static int
compare(void const *a, void const *b)
{
	return memcmp(a, b, DIGEST);
}

/* A set: the DNS gives it in any order. */
static void
add_records(stralloc *sa, struct tls_expect const *e)
{
	size_t start = sa->len;
	for (unsigned int i = 0; i < e->records; i++) {
		stralloc one = STRALLOC_ZERO;
		unsigned char d[DIGEST];
		struct tlsa const *t = e->record + i;
		sa_catf(&one, "%u %u %u ", t->usage, t->selector, t->matching);
		sa_catb(&one, (char const *)t->data, t->len);
		digest(d, one.s, one.len);
		sa_catb(sa, (char const *)d, DIGEST);
		stralloc_free(&one);
	}
	if (e->records)
		qsort(sa->s + start, e->records, DIGEST, compare);
}

/* Everything that decides whom we speak with. */
static void
rule(unsigned char to[static DIGEST], struct tls_expect const *e, enum tls_check check,
    char const *ca)
{
	stralloc sa = STRALLOC_ZERO;
	sa_catf(&sa, "%s\n%s\n%d %d %d %d %d %u\n%s\n", e->host, e->name, (int)e->check, (int)check,
	    (int)e->unusable, e->soft, e->unusable_soft, e->min, ca ? ca : "");
	for (unsigned int i = 0; i < e->alsos; i++)
		sa_catf(&sa, "n %s\n", e->also[i]);
	for (unsigned int i = 0; i < e->digests; i++)
		sa_catf(&sa, "f %s\n", e->digest[i]);
	add_records(&sa, e);
	digest(to, sa.s, sa.len);
	stralloc_free(&sa);
}

/* What the handshake proved then is true now. */
static int
holds(SSL_SESSION const *s, unsigned char const *wanted, enum tls_check check)
{
	unsigned int n;
	unsigned char const *id = SSL_SESSION_get0_id_context(s, &n);
	X509 *x = SSL_SESSION_get0_peer((SSL_SESSION *)(uintptr_t)s);
	if (n != DIGEST || memcmp(id, wanted, DIGEST))
		return 0;
	return check == TLS_ANY || (x && X509_cmp_current_time(X509_get0_notAfter(x)) > 0);
}

void
tls_session_offer(SSL *ssl, struct tls_expect const *e, enum tls_check check, char const *ca)
{
	unsigned char wanted[DIGEST];
	long len = 0;
	rule(wanted, e, check, ca);
	SSL_set_session_id_context(ssl, wanted, DIGEST);
	unsigned char *der = e->session ? OPENSSL_hexstr2buf(e->session, &len) : 0;
	unsigned char const *at = der;
	SSL_SESSION *s = der ? d2i_SSL_SESSION(0, &at, len) : 0;
	if (s && holds(s, wanted, check))
		SSL_set_session(ssl, s);
	SSL_SESSION_free(s);
	OPENSSL_free(der);
	ERR_clear_error();
}

static void
hand_over(SSL_SESSION *s)
{
	char text[TLS_SESSION_MAX + 1];
	unsigned char *der = 0;
	int n = SSL_SESSION_is_resumable(s) ? i2d_SSL_SESSION(s, &der) : 0;
	size_t len;
	if (n > 0 && OPENSSL_buf2hexstr_ex(text, sizeof text, &len, der, (size_t)n, 0))
		(void)send(fd_out, text, len - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	OPENSSL_free(der);
	ERR_clear_error();
}

/* TLS 1.3 gives them at any time behind the handshake (RFC 8446 4.6.1). 0: s is not kept. */
static int
given(SSL *ssl, SSL_SESSION *s)
{
	(void)ssl;
	if (fd_out >= 0)
		hand_over(s);
	return 0;
}

void
tls_session_prepare(SSL_CTX *ctx)
{
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, given);
}

void
tls_session_hand_over(SSL *ssl, int fd)
{
	fd_out = fd;
	/* An older version has given it within the handshake, or it is the old one, which may be
	 * used again. */
	if (SSL_version(ssl) < TLS1_3_VERSION)
		hand_over(SSL_get_session(ssl));
}

/* A key holder's first pair is warm once it is read: a handshake in full, and one that is resumed,
 * which wants the key of a ticket. */
// objects: bin/tls-session.o bin/tls-certs.o bin/tls-context.o bin/tls-warm.o bin/tls-tickets.o bin/tls-file.o
// libs: -lssl -lcrypto
#include "tests/unit/tap.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bin/tls-certs.h"

static void
must(int ok, char const *what)
{
	if (ok)
		return;
	perror(what);
	exit(111);
}

static X509 *
certificate_of(EVP_PKEY *key)
{
	X509 *cert = X509_new();
	must(cert && X509_gmtime_adj(X509_getm_notBefore(cert), 0) &&
		X509_gmtime_adj(X509_getm_notAfter(cert), 3600) && X509_set_pubkey(cert, key) &&
		X509_sign(cert, key, EVP_sha256()),
	    "make a certificate");
	return cert;
}

static void
write_pair(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	must(key != 0, "make a key");
	X509 *cert = certificate_of(key);
	FILE *k = fopen("key.pem", "w"), *c = fopen("cert.pem", "w");
	must(k && c && PEM_write_PrivateKey(k, key, 0, 0, 0, 0, 0) && PEM_write_X509(c, cert), "write");
	must(!fclose(k) && !fclose(c), "write");
	X509_free(cert);
	EVP_PKEY_free(key);
}

int
main(void)
{
	struct tls_certs certs = {0};
	char dir[] = "/tmp/tls-warm.XXXXXX";
	must(mkdtemp(dir) && !chdir(dir), "make a directory");
	write_pair();
	tls_certs_from_dir(&certs, dir);
	tls_tickets_init(&certs.tickets, 0, 1);
	tap_ok(tls_certs_refresh(&certs), "the pair is read");
	tap_ok(certs.pair->ctx != 0, "and can be used");
	tap_ok(certs.warmed != 0, "and is warm");
	must(!unlink("key.pem") && !unlink("cert.pem") && !rmdir(dir), "tidy up");
	return tap_done();
}

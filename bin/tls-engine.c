/* tls-engine [-S|-s] [-J|-j] [-Y|-y] [-v level] [-K ms] [-k snilevel] [-d notify] fdr fdw: one
 * connection's TLS, executed by tlsd and ucspitlsd where there is no key holder.
 *
 * Descriptors: 0 and 1 the network; fdr the application's plaintext to be sent, fdw for plaintext
 * received; notify gets the UCSPI-TLS reply after the handshake (at end of file without it, TLS has
 * failed). Environment: KEYFILE, CERTFILE, KEYFILE:NAME..., CAFILE, CADIR, TLS_UID, TLS_GID,
 * TLS_ALPN, TLS_TICKETS, TLS_CIPHERS. Exit: 0 after both ends, 96 key or certificate, 97 handshake,
 * 98 timeout or a bad end, 100 usage, 111 system.
 * Reads the key files, then becomes TLS_UID and TLS_GID if it is root, and gives up every right
 * before the first byte from the network. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <skalibs/sgetopt.h>
#include <skalibs/strerr.h>

#include "bin/tls-serve.h"
#include "lib/id.h"
#include "lib/option.h"
#include "lib/secret.h"

#define USAGE                                                                                      \
	"tls-engine [ -S | -s ] [ -J | -j ] [ -Y | -y ] [ -v level ] [ -K ms ] [ -k snilevel ] "   \
	"[ -d notify ] fdr fdw"

/* clang-format off */
static void
option(struct tls_job *job, unsigned int *sni, int c, char const *arg)
{
	struct tls_request *r = &job->request;
	switch (c) {
	case 'S': case 's': break;
	case 'J': r->strict_eof = 1; break;
	case 'j': r->strict_eof = 0; break;
	case 'Y': r->client_cert = TLS_CERT_ASK; break;
	case 'y': r->client_cert = TLS_CERT_MUST; break;
	case 'v': r->verbosity = option_number(arg, 0, 9, USAGE); break;
	case 'K': r->timeout_ms = option_number(arg, 0, TLS_HANDSHAKE_MS_MAX, USAGE); break;
	case 'k': *sni = option_number(arg, 0, 2, USAGE); break;
	case 'd': job->notify = (int)option_number(arg, 0, 0x7fffffff, USAGE); break;
	default: strerr_dieusage(100, USAGE);
	}
}
/* clang-format on */

static char const *
env_or_empty(char const *name)
{
	char const *s = getenv(name);
	return s ? s : "";
}

static unsigned int
options(struct tls_job *job, int argc, char const *const *argv)
{
	unsigned int sni = 0;
	subgetopt l = SUBGETOPT_ZERO;
	*job = (struct tls_job){.fd = {0, 1, -1, -1},
	    .notify = -1,
	    .request = {.timeout_ms = TLS_HANDSHAKE_MS,
		.verbosity = 1,
		.alpn = env_or_empty("TLS_ALPN"),
		.id = env_or_empty("POSTERN_ID"),
		.ip = env_or_empty("TCPREMOTEIP")}};
	for (int c; (c = subgetopt_r(argc, argv, "SsJjYyv:K:k:d:", &l)) != -1;)
		option(job, &sni, c, l.arg);
	if (argc - l.ind != 2)
		strerr_dieusage(100, USAGE);
	if (!job->request.timeout_ms)
		job->request.timeout_ms = TLS_HANDSHAKE_MS;
	job->fd[TLS_FD_FROM_APP] = (int)option_number(argv[l.ind], 0, 0x7fffffff, USAGE);
	job->fd[TLS_FD_TO_APP] = (int)option_number(argv[l.ind + 1], 0, 0x7fffffff, USAGE);
	return sni;
}

static void
load(struct tls_certs *certs, unsigned int sni, enum tls_client_cert client_cert)
{
	char const *missing = tls_certs_from_env(certs, sni);
	if (missing)
		strerr_dienotset(TLS_EXIT_USAGE, missing);
	/* One connection only: nothing to warm up for. */
	certs->warmed = ~0u;
	tls_tickets_init(&certs->tickets, getenv("TLS_TICKETS"), 0);
	tls_tickets_refresh(&certs->tickets, time(0));
	for (size_t i = 0; i < certs->count; i++)
		if (!tls_certs_load(certs, i))
			_exit(TLS_EXIT_KEYS);
	if (client_cert == TLS_CERT_NONE)
		return;
	tls_certs_client_ca(certs, getenv("CAFILE"), getenv("CADIR"));
	if (!certs->ca.path && !certs->ca_dir)
		strerr_dienotset(TLS_EXIT_USAGE, "CAFILE");
	if (!tls_certs_load_ca(certs))
		_exit(TLS_EXIT_KEYS);
}

int
main(int argc, char const *const *argv)
{
	static struct tls_certs certs;
	struct tls_job job;
	struct tls_ids ids;
	PROG = "tls-engine";
	unsigned int sni = options(&job, argc, argv);
	/* The key comes next: no core, no debugger. */
	secret_no_core();
	tls_ids_from_env(&ids);
	load(&certs, sni, job.request.client_cert);
	_exit(tls_serve(&certs, &ids, &job));
}

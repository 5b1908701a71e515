/* mda-remote-sts: fetches MTA-STS policies (RFC 8461 3.3) for mda-remote, so that hostile HTTPS
 * servers are spoken with away from the spool.
 *
 * Descriptors: 0 a SOCK_SEQPACKET socket to mda-remote; 2 log lines. Arguments: none.
 * Questions: "NUMBER PORT DOMAIN IP[,IP...]". Answers: "NUMBER ok\n" and the policy, or "NUMBER
 * TYPE REASON" with a type of RFC 8460 4.3.2.2. Each is answered within STS_FETCH_SECONDS.
 * Environment: POSTERN_DIR. Settings: tls-ca, mta-sts-port, remote-timeout (if it is less). Exit: 0
 * when mda-remote is gone, 100 bad setting, 111 temporary. Touches: the network, at the addresses
 * it is given only. Once set up, no file (Landlock). Privileges: none. The only program that uses
 * libcurl. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/prctl.h>
#include <time.h>
#include <curl/curl.h>

#include <skalibs/strerr.h>

#include "lib/ascii.h"
#include "lib/conf.h"
#include "lib/sa.h"
#include "lib/sandbox.h"
#include "lib/skalibs-compat.h"
#include "mda-remote/limits.h"
#include "mda-remote/link.h"
#include "mda-remote/sts.h"

#define LINK 0
#define POLL_MS 1000

/* No file, no program; TCP to one port. */
static unsigned short ports[2];
static struct sandbox const sandbox_policy = {.calls = SANDBOX_SOCKETS | SANDBOX_NETWORK,
    .file_size = 0,
    .processes = SANDBOX_ANY,
    .ports = ports};

struct fetch {
	unsigned int number;
	CURL *curl;
	struct curl_slist *address;
	stralloc body;
	int too_long;
	char error[CURL_ERROR_SIZE];
};

static CURLM *multi;
static long seconds; /* that a fetch may last, all of it */
static struct curl_blob ca;

static void
answer(unsigned int number, char const *type, char const *rest, size_t n)
{
	stralloc sa = STRALLOC_ZERO;
	sa_catf(&sa, "%u %s", number, type);
	sa_catb(&sa, rest, n);
	if (link_send(LINK, sa.s, sa.len, -1) < 0)
		_exit(0);
	stralloc_free(&sa);
}

static void
fail(unsigned int number, char const *type, char const *why)
{
	stralloc sa = STRALLOC_ZERO;
	sa_catf(&sa, " %s", why);
	answer(number, type, sa.s, sa.len);
	stralloc_free(&sa);
}

/* ---- one fetch ---- */

static size_t
take(char *s, size_t size, size_t count, void *data)
{
	struct fetch *f = data;
	size_t n = size * count;
	if (f->body.len + n > STS_POLICY_MAX) {
		f->too_long = 1;
		return 0;
	}
	sa_catb(&f->body, s, n);
	return n;
}

static void
drop(struct fetch *f)
{
	curl_easy_cleanup(f->curl);
	curl_slist_free_all(f->address);
	stralloc_free(&f->body);
	free(f);
}

/* RFC 8461 3.3: HTTPS alone, the host's own certificate, no redirect, no cache. */
static void
set_options(struct fetch *f, char const *url)
{
	CURL *c = f->curl;
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https");
#else
	curl_easy_setopt(c, CURLOPT_PROTOCOLS, CURLPROTO_HTTPS);
#endif
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_RESOLVE, f->address);
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(c, CURLOPT_CAINFO_BLOB, &ca);
	curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(c, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_TIMEOUT, seconds);
	curl_easy_setopt(c, CURLOPT_MAXFILESIZE, (long)STS_POLICY_MAX);
	curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "postern");
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, f->error);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, f);
	curl_easy_setopt(c, CURLOPT_PRIVATE, f);
}

/* "NUMBER PORT DOMAIN IP[,IP...]" */
static void
begin(char *packet)
{
	char *rest;
	char url[DNS_NAME_MAX + 80];
	unsigned int number = (unsigned int)strtoul(packet, &rest, 10);
	unsigned int port = (unsigned int)strtoul(rest, &rest, 10);
	char *domain = *rest ? rest + 1 : rest, *ip = strchr(domain, ' ');
	struct fetch *f = xmalloc(sizeof *f);
	stralloc sa = STRALLOC_ZERO;
	memset(f, 0, sizeof *f);
	f->number = number;
	f->curl = curl_easy_init();
	if (!f->curl || !ip)
		strerr_dief1x(111, "libcurl: out of memory");
	*ip++ = 0;
	sa_catf(&sa, "mta-sts.%s:%u:%s", domain, port, ip);
	f->address = curl_slist_append(0, sa_str(&sa));
	snprintf(url, sizeof url, "https://mta-sts.%s:%u/.well-known/mta-sts.txt", domain, port);
	set_options(f, url);
	curl_multi_add_handle(multi, f->curl);
	stralloc_free(&sa);
}

/* ---- its end ---- */

static int
is_text_plain(char const *type)
{
	size_t n = type ? strcspn(type, "; \t") : 0;
	return n && ascii_ieq(type, n, "text/plain");
}

static void
say(struct fetch *f, CURLcode e)
{
	char text[CURL_ERROR_SIZE + 40];
	char *type = 0;
	long status = 0;
	curl_easy_getinfo(f->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(f->curl, CURLINFO_CONTENT_TYPE, &type);
	snprintf(text, sizeof text, "%s", f->error[0] ? f->error : curl_easy_strerror(e));
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < ' ' || (unsigned char)*p > 126)
			*p = '?';
	if (f->too_long || e == CURLE_FILESIZE_EXCEEDED)
		fail(f->number, "sts-policy-invalid", "the policy is too long");
	else if (e == CURLE_PEER_FAILED_VERIFICATION || e == CURLE_SSL_ISSUER_ERROR)
		fail(f->number, "sts-webpki-invalid", text);
	else if (e)
		fail(f->number, "sts-policy-fetch-error", text);
	else if (status != 200) {
		snprintf(text, sizeof text, "the policy host answers with status %ld", status);
		fail(f->number, "sts-policy-fetch-error", text);
	} else if (!is_text_plain(type))
		fail(f->number, "sts-policy-invalid", "its media type is not text/plain");
	else {
		answer(f->number, "ok\n", f->body.s, f->body.len);
	}
}

static void
reap(void)
{
	int left;
	for (CURLMsg *m; (m = curl_multi_info_read(multi, &left));) {
		struct fetch *f = 0;
		if (m->msg != CURLMSG_DONE)
			continue;
		CURLcode e = m->data.result;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&f);
		curl_multi_remove_handle(multi, f->curl);
		say(f, e);
		drop(f);
	}
}

/* ---- start ---- */

/* No file can be read behind this. */
static void
read_ca(void)
{
	stralloc sa = STRALLOC_ZERO;
	char const *set = conf_string("tls-ca", 0);
	char const *built_in = curl_version_info(CURLVERSION_NOW)->cainfo;
	int ok = set ? openslurpclose(&sa, set) : built_in && openslurpclose(&sa, built_in);
	for (char const *const *s = sts_ca_files; !set && !ok && *s; s++)
		ok = openslurpclose(&sa, *s);
	if (!ok)
		strerr_diefu2sys(111, "read CA certificates ", set ? set : "");
	ca = (struct curl_blob){.data = sa.s, .len = sa.len, .flags = CURL_BLOB_NOCOPY};
}

int
main(int argc, char **argv)
{
	static char packet[SEND_PACKET_MAX];
	(void)argv;
	PROG = "mda-remote-sts";
	if (argc != 1)
		strerr_dieusage(100, "mda-remote-sts");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sandbox_close_but(0, 0);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) || !(multi = curl_multi_init()))
		strerr_dief1x(111, "libcurl: out of memory");
	seconds = (long)conf_uint("remote-timeout", STS_FETCH_SECONDS, 1, 3600);
	if (seconds > STS_FETCH_SECONDS)
		seconds = STS_FETCH_SECONDS;
	read_ca();
	tzset(); /* OpenSSL will ask for the time zone */
	ports[0] = (unsigned short)conf_uint("mta-sts-port", 443, 1, 65535);
	sandbox_enter(&sandbox_policy);
	for (;;) {
		struct curl_waitfd x = {.fd = LINK, .events = CURL_WAIT_POLLIN};
		int running;
		curl_multi_perform(multi, &running);
		reap();
		if (curl_multi_poll(multi, &x, 1, POLL_MS, 0))
			strerr_dief1x(111, "libcurl: poll");
		if (!x.revents)
			continue;
		ssize_t n = link_recv(LINK, packet, sizeof packet, 0);
		if (n <= 0)
			return n < 0 ? 111 : 0;
		begin(packet);
	}
}

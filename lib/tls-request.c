#include "lib/tls-request.h"

#include <stdio.h>
#include <string.h>
#include <skalibs/types.h>

#define VERSION "POSTERN_TLS=1"

static char const *const client_cert_names[] = {"none", "ask", "must"};

size_t
tls_request_fmt(char buf[static TLS_REQUEST_MAX], struct tls_request const *r)
{
	/* %c with 0 ends each string; the last one ends the list. */
	int n = snprintf(buf, TLS_REQUEST_MAX,
	    VERSION "%cSTART=%s%cCLIENTCERT=%s%cSTRICT=%d%cTIMEOUT=%u%cVERBOSE=%u%cALPN=%s%cID=%s%"
		    "cPEER=%s%c%c",
	    0, r->at_once ? "now" : "command", 0, client_cert_names[r->client_cert], 0,
	    r->strict_eof, 0, r->timeout_ms, 0, r->verbosity, 0, r->alpn, 0, r->id, 0, r->ip, 0, 0);
	return n > 0 && n < TLS_REQUEST_MAX ? (size_t)n : 0;
}

static int
scan_client_cert(char const *s, struct tls_request *r)
{
	for (unsigned int i = 0; i < sizeof client_cert_names / sizeof *client_cert_names; i++)
		if (!strcmp(s, client_cert_names[i])) {
			r->client_cert = (enum tls_client_cert)i;
			return 1;
		}
	return 0;
}

/* One NAME=value. 0 if the value is impossible. */
static int
scan_one(char const *name, size_t len, char const *value, struct tls_request *r)
{
	unsigned int n;
#define IS(x) (len == sizeof x - 1 && !memcmp(name, x, len))
	if (IS("START")) {
		r->at_once = !strcmp(value, "now");
		return r->at_once || !strcmp(value, "command");
	}
	if (IS("CLIENTCERT"))
		return scan_client_cert(value, r);
	if (IS("STRICT"))
		return uint0_scan(value, &n) && (r->strict_eof = n != 0, 1);
	if (IS("TIMEOUT"))
		return uint0_scan(value, &r->timeout_ms) && r->timeout_ms <= TLS_HANDSHAKE_MS_MAX;
	if (IS("VERBOSE"))
		return uint0_scan(value, &r->verbosity) != 0;
	if (IS("ALPN"))
		r->alpn = value;
	else if (IS("ID"))
		r->id = value;
	else if (IS("PEER"))
		r->ip = value;
#undef IS
	return 1;
}

int
tls_request_scan(char const *buf, size_t len, struct tls_request *r)
{
	*r = (struct tls_request){
	    .timeout_ms = TLS_HANDSHAKE_MS, .verbosity = 1, .alpn = "", .id = "", .ip = ""};
	/* The version first, and an empty string at the very end: so every strlen below stays
	 * inside. */
	if (len < sizeof VERSION + 1 || memcmp(buf, VERSION, sizeof VERSION) || buf[len - 1] ||
	    buf[len - 2])
		return 0;
	char const *end = buf + len - 1;
	for (char const *s = buf + sizeof VERSION; s < end; s += strlen(s) + 1) {
		char const *eq = strchr(s, '=');
		if (!eq || !scan_one(s, (size_t)(eq - s), eq + 1, r))
			return 0;
	}
	if (!r->timeout_ms)
		r->timeout_ms = TLS_HANDSHAKE_MS;
	return 1;
}

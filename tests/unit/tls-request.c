/* The request on the key holder's socket: written and read back, and what is refused. */
#include "tests/unit/tap.h"

#include "lib/tls-request.h"

#define V "POSTERN_TLS=1\0"

static struct {
	char const *name, *text;
	size_t len;
	int good;
} const texts[] = {
#define T(name, text, good)                                                                        \
	{                                                                                          \
		name, text, sizeof text, good                                                      \
	}
    /* Each literal ends with its own NUL: the list's. */
    T("the least", V, 1),
    T("start at once", V "START=now\0", 1),
    T("start later", V "START=command\0", 1),
    T("an unknown name is passed over", V "COLOUR=blue\0", 1),
    T("client certificate", V "CLIENTCERT=must\0", 1),
    T("another version", "POSTERN_TLS=2\0", 0),
    T("no version", "START=now\0", 0),
    T("bad start", V "START=soon\0", 0),
    T("bad client certificate", V "CLIENTCERT=maybe\0", 0),
    T("bad number", V "TIMEOUT=1x\0", 0),
    T("a timeout over the limit", V "TIMEOUT=600001\0", 0),
    T("no equals sign", V "START\0", 0),
    T("nothing", "", 0),
#undef T
    {"cut off", V "START=now", sizeof V "START=now" - 1, 0},
    {"without the last NUL", V "START=now", sizeof V "START=now", 0},
    {"something behind the end", V "\0x", sizeof V "\0x" - 1, 0},
};

int
main(void)
{
	char buf[TLS_REQUEST_MAX], big[TLS_REQUEST_MAX];
	struct tls_request r = {.at_once = 1,
			       .client_cert = TLS_CERT_MUST,
			       .strict_eof = 1,
			       .timeout_ms = 1234,
			       .verbosity = 2,
			       .alpn = "imap,pop3",
			       .id = "abc",
			       .ip = "2001:db8::1"},
			   got;
	size_t len = tls_request_fmt(buf, &r);
	tap_ok(len > 0, "written");
	tap_ok(tls_request_scan(buf, len, &got), "and read");
	tap_ok(got.at_once && got.client_cert == TLS_CERT_MUST && got.strict_eof &&
		   got.timeout_ms == 1234 && got.verbosity == 2,
	    "numbers");
	tap_str("ALPN", got.alpn, r.alpn);
	tap_str("id", got.id, r.id);
	tap_str("peer", got.ip, r.ip);
	for (size_t i = 1; i < len; i++)
		if (tls_request_scan(buf, i, &got))
			tap_ok(0, "a part of %zu bytes is no request", i);
	tap_ok(1, "no part of it is a request");
	memset(big, 'x', sizeof big - 1);
	big[sizeof big - 1] = 0;
	r.alpn = big;
	tap_num("one that is too long", (long long)tls_request_fmt(buf, &r), 0);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		tap_num(texts[i].name, tls_request_scan(texts[i].text, texts[i].len, &got),
		    texts[i].good);
	tls_request_scan(V, sizeof V, &got);
	tap_num("the default deadline", got.timeout_ms, TLS_HANDSHAKE_MS);
	tap_str("empty strings, not null", got.alpn, "");
	return tap_done();
}

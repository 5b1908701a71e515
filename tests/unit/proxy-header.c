/* The header of the PROXY protocol: read octet by octet, so that nothing behind it is taken; what
 * it says; what is none. */
// objects: bin/proxy-header.o
#include "tests/unit/tap.h"

#include <stdlib.h>

#include "bin/proxy-header.h"

#define BOTH (PROXY_V1 | PROXY_V2)
#define SIG "\r\n\r\n\0\r\nQUIT\n"
#define IN4 "\xc0\x00\x02\x07\xc6\x33\x64\x01\x10\xe1\x00\x19"
#define IN6                                                                                        \
	"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x10" \
	"\xe1\x00\x19"
#define MAPPED                                                                                     \
	"\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\x00\x02\x07\0\0\0\0\0\0\0\0\0\0\xff\xff\xc6\x33\x64\x01" \
	"\x10\xe1\x00\x19"
#define Z27 "aaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define UNIX Z27 Z27 Z27 Z27 Z27 Z27 Z27 Z27
#define LONGEST "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"

enum { NONE = -1, CUT = -2 };

/* clang-format off */
static struct {
	char const *name, *text;
	size_t len;
	enum proxy_versions allowed;
	int verdict; /* or NONE, CUT */
	char const *says;
} const rows[] = {
#define T(name, text, allowed, verdict, says) {name, text, sizeof text - 1, allowed, verdict, says}
	T("1: IPv4", "PROXY TCP4 192.0.2.7 198.51.100.1 4321 25\r\n", BOTH, PROXY_GOOD, "192.0.2.7 4321 198.51.100.1 25"),
	T("1: the least numbers", "PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", PROXY_V1, PROXY_GOOD, "0.0.0.0 0 0.0.0.0 0"),
	T("1: IPv6", "PROXY TCP6 2001:DB8::7 2001:db8:0::1 4321 25\r\n", BOTH, PROXY_GOOD, "2001:db8::7 4321 2001:db8::1 25"),
	T("1: a mapped address is IPv4", "PROXY TCP6 ::ffff:192.0.2.7 ::ffff:198.51.100.1 1 65535\r\n", BOTH, PROXY_GOOD, "192.0.2.7 1 198.51.100.1 65535"),
	T("1: unknown", "PROXY UNKNOWN\r\n", BOTH, PROXY_GOOD, "nothing"),
	T("1: unknown, and what stands behind it", "PROXY UNKNOWN what ever 1 2\r\n", BOTH, PROXY_GOOD, "nothing"),
	T("1: the longest", "PROXY UNKNOWN " LONGEST " " LONGEST " 65535 65535\r\n", BOTH, PROXY_GOOD, "nothing"),
	T("1: one octet too many", "PROXY UNKNOWN " LONGEST " " LONGEST " 65535 655355\r\n", BOTH, NONE, ""),
	T("1: UNKNOWNS", "PROXY UNKNOWNS\r\n", BOTH, PROXY_MALFORMED, ""),
	T("1: not wanted", "PROXY TCP4 192.0.2.7 198.51.100.1 4321 25\r\n", PROXY_V2, NONE, ""),
	T("1: LF alone", "PROXY TCP4 192.0.2.7 198.51.100.1 4321 25\n", BOTH, PROXY_MALFORMED, ""),
	T("1: CR within", "PROXY TCP4 192.0.2.7 198.51.100.1 43\r21 25\r\n", BOTH, PROXY_MALFORMED, ""),
	T("1: NUL within", "PROXY UNKNOWN \0\r\n", BOTH, PROXY_MALFORMED, ""),
	T("1: no line end yet", "PROXY TCP4 192.0.2.7 198.51", BOTH, CUT, ""),
	T("1: two blanks", "PROXY TCP4 192.0.2.7  198.51.100.1 4321 25\r\n", BOTH, PROXY_MALFORMED, ""),
	T("1: a blank at the end", "PROXY TCP4 192.0.2.7 198.51.100.1 4321 25 \r\n", BOTH, PROXY_MALFORMED, ""),
	T("1: an address is missing", "PROXY TCP4 192.0.2.7 4321 25\r\n", BOTH, PROXY_MALFORMED, ""),
	T("1: a port is missing", "PROXY TCP4 192.0.2.7 198.51.100.1 4321\r\n", BOTH, PROXY_MALFORMED, ""),
	T("1: a field too many", "PROXY TCP4 192.0.2.7 198.51.100.1 4321 25 9\r\n", BOTH, PROXY_MALFORMED, ""),
	T("1: a port too high", "PROXY TCP4 192.0.2.7 198.51.100.1 65536 25\r\n", BOTH, PROXY_MALFORMED, ""),
	T("1: a port with a zero in front", "PROXY TCP4 192.0.2.7 198.51.100.1 0025 25\r\n", BOTH, PROXY_MALFORMED, ""),
	T("1: a port with a sign", "PROXY TCP4 192.0.2.7 198.51.100.1 +25 25\r\n", BOTH, PROXY_MALFORMED, ""),
	T("1: IPv6 as TCP4", "PROXY TCP4 2001:db8::7 2001:db8::1 4321 25\r\n", BOTH, PROXY_MALFORMED, ""),
	T("1: IPv4 as TCP6", "PROXY TCP6 192.0.2.7 198.51.100.1 4321 25\r\n", BOTH, PROXY_MALFORMED, ""),
	T("1: a name", "PROXY TCP4 localhost 198.51.100.1 4321 25\r\n", BOTH, PROXY_MALFORMED, ""),
	T("1: a scope", "PROXY TCP6 fe80::1%lo ::1 4321 25\r\n", BOTH, PROXY_MALFORMED, ""),
	T("1: UDP4", "PROXY UDP4 192.0.2.7 198.51.100.1 4321 25\r\n", BOTH, PROXY_MALFORMED, ""),
	T("1: no family", "PROXY  192.0.2.7 198.51.100.1 4321 25\r\n", BOTH, PROXY_MALFORMED, ""),
	T("1: in lower case", "proxy TCP4 192.0.2.7 198.51.100.1 4321 25\r\n", BOTH, NONE, ""),
	T("2: IPv4", SIG "\x21\x11\x00\x0c" IN4, BOTH, PROXY_GOOD, "192.0.2.7 4321 198.51.100.1 25"),
	T("2: IPv6", SIG "\x21\x21\x00\x24" IN6, PROXY_V2, PROXY_GOOD, "2001:db8::7 4321 2001:db8::1 25"),
	T("2: a mapped address is IPv4", SIG "\x21\x21\x00\x24" MAPPED, BOTH, PROXY_GOOD, "192.0.2.7 4321 198.51.100.1 25"),
	T("2: TLVs are passed over", SIG "\x21\x11\x00\x13" IN4 "\x02\x00\x04mail", BOTH, PROXY_GOOD, "192.0.2.7 4321 198.51.100.1 25"),
	T("2: so is a TLV that is cut off", SIG "\x21\x11\x00\x0f" IN4 "\x02\x00\x09", BOTH, PROXY_GOOD, "192.0.2.7 4321 198.51.100.1 25"),
	T("2: the proxy's own", SIG "\x20\x00\x00\x00", BOTH, PROXY_GOOD, "nothing"),
	T("2: the proxy's own, with addresses", SIG "\x20\x11\x00\x0c" IN4, BOTH, PROXY_GOOD, "nothing"),
	T("2: a Unix socket", SIG "\x21\x31\x00\xd8" UNIX, BOTH, PROXY_GOOD, "nothing"),
	T("2: a Unix socket, cut", SIG "\x21\x31\x00\x0c" IN4, BOTH, PROXY_MALFORMED, ""),
	T("2: unspecified", SIG "\x21\x00\x00\x00", BOTH, PROXY_GOOD, "nothing"),
	T("2: unspecified transport", SIG "\x21\x10\x00\x0c" IN4, BOTH, PROXY_GOOD, "nothing"),
	T("2: datagrams", SIG "\x21\x12\x00\x0c" IN4, BOTH, PROXY_UNSUPPORTED, ""),
	T("2: not wanted", SIG "\x21\x11\x00\x0c" IN4, PROXY_V1, NONE, ""),
	T("2: version 3", SIG "\x31\x11\x00\x0c" IN4, BOTH, PROXY_MALFORMED, ""),
	T("2: an unknown command", SIG "\x22\x11\x00\x0c" IN4, BOTH, PROXY_MALFORMED, ""),
	T("2: an unknown family", SIG "\x21\x41\x00\x0c" IN4, BOTH, PROXY_MALFORMED, ""),
	T("2: an unknown transport", SIG "\x21\x13\x00\x0c" IN4, BOTH, PROXY_MALFORMED, ""),
	T("2: too short for its addresses", SIG "\x21\x11\x00\x0b\xc0\x00\x02\x07\xc6\x33\x64\x01\x10\xe1\x00", BOTH, PROXY_MALFORMED, ""),
	T("2: longer than the limit", SIG "\x21\x11\x0f\xf1" IN4, BOTH, NONE, ""),
	T("2: not all has come", SIG "\x21\x11\x00\x0d" IN4, BOTH, CUT, ""),
	T("2: not the signature", "\r\n\r\n\0\r\nQUIT\r\x21\x11\x00\x0c" IN4, BOTH, NONE, ""),
	T("a client that speaks first", "EHLO a.example\r\n", BOTH, NONE, ""),
	T("TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x00", BOTH, NONE, ""),
	T("nothing", "", BOTH, CUT, ""),
};
/* clang-format on */

/* Reads as proxy-server does, `step` octets at a time at most, with a client's octets behind. */
static int
verdict(size_t row, size_t step, struct proxy_header *h, size_t *taken)
{
	unsigned char s[PROXY_V2_MAX + 1];
	size_t n = 0;
	for (int lacks; (lacks = proxy_header_lacks(s, n, rows[row].allowed)) != 0;) {
		if (lacks < 0)
			return NONE;
		size_t want = (size_t)lacks < step ? (size_t)lacks : step;
		if (n + want > rows[row].len)
			return CUT;
		memcpy(s + n, rows[row].text + n, want);
		n += want;
	}
	*taken = n;
	/* Of its own size, so that a sanitizer sees a step too far. */
	unsigned char *exact = malloc(n);
	memcpy(exact, s, n);
	int v = (int)proxy_header_parse(exact, n, h);
	free(exact);
	return v;
}

int
main(void)
{
	static size_t const steps[] = {1, 5, 8192};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (size_t k = 0; k < sizeof steps / sizeof *steps; k++) {
			struct proxy_header h = {0};
			char said[2 * UCSPI_IPMAX + 20] = "nothing";
			size_t taken = rows[i].len;
			int v = verdict(i, steps[k], &h, &taken);
			tap_ok(v == rows[i].verdict && taken == rows[i].len,
			    "%s, by %zu: %d of %zu octets", rows[i].name, steps[k], v, taken);
			if (h.told)
				snprintf(said, sizeof said, "%s %u %s %u", h.remote_ip,
				    h.remote_port, h.local_ip, h.local_port);
			if (v == PROXY_GOOD)
				tap_str(rows[i].name, said, rows[i].says);
		}
	return tap_done();
}

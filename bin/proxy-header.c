#include "bin/proxy-header.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include <skalibs/types.h>

enum {
	SIGNATURE = 12, /* octets that tell the versions apart; version 1 is never so short */
	FIXED = 16,	/* of version 2 */
};
static char const signature[] = "\r\n\r\n\0\r\nQUIT\n", word[] = "PROXY ";

/* ---- how long it is ---- */

static int
begins_with(unsigned char const *s, size_t n, char const *what, size_t len)
{
	return !memcmp(s, what, n < len ? n : len);
}

static int
lacks_v1(unsigned char const *s, size_t n)
{
	if (n < SIGNATURE)
		return (int)(SIGNATURE - n);
	if (memchr(s, '\n', n))
		return 0;
	return n < PROXY_V1_MAX ? 1 : -1;
}

static int
lacks_v2(unsigned char const *s, size_t n)
{
	if (n < FIXED)
		return (int)(FIXED - n);
	size_t whole = FIXED + (size_t)(s[14] << 8 | s[15]);
	return whole <= PROXY_V2_MAX ? (int)(whole - n) : -1;
}

int
proxy_header_lacks(unsigned char const *s, size_t n, enum proxy_versions allowed)
{
	if (!n)
		return 1;
	if (allowed & PROXY_V1 && begins_with(s, n, word, sizeof word - 1))
		return lacks_v1(s, n);
	if (allowed & PROXY_V2 && begins_with(s, n, signature, SIGNATURE))
		return n < SIGNATURE ? (int)(SIGNATURE - n) : lacks_v2(s, n);
	return -1;
}

/* ---- version 1 (2.1): "PROXY TCP4 source destination port port" CR LF ---- */

/* The next field, which ends at a blank (or NUL for the last one), in place; null if it is empty.
 */
static char *
field(char **at, char end)
{
	char *s = *at, *e = strchr(s, end);
	if (!e || e == s)
		return 0;
	*at = e + 1;
	*e = 0;
	return s;
}

/* In its canonical form. */
static int
address(char *to, char const *text, int family)
{
	unsigned char addr[16];
	if (!text || inet_pton(family, text, addr) != 1)
		return 0;
	unsigned int len = ucspi_scan(text, addr);
	return inet_ntop(len == 4 ? AF_INET : AF_INET6, addr, to, UCSPI_IPMAX) != 0;
}

static int
port(uint16_t *to, char const *text)
{
	return text && (*text != '0' || !text[1]) && uint160_scan(text, to);
}

static enum proxy_verdict
parse_v1(unsigned char const *s, size_t n, struct proxy_header *h)
{
	char line[PROXY_V1_MAX + 1], *at = line;
	/* Nothing may follow the CR LF, nor stand as a NUL before it. */
	if (n > PROXY_V1_MAX || memcmp(s + n - 2, "\r\n", 2) || memchr(s, 0, n) ||
	    memchr(s, '\r', n - 2) || memchr(s, '\n', n - 2))
		return PROXY_MALFORMED;
	n -= 2 + (sizeof word - 1);
	memcpy(line, s + sizeof word - 1, n);
	line[n] = 0;
	if (!strcmp(line, "UNKNOWN") || !strncmp(line, "UNKNOWN ", 8))
		return PROXY_GOOD;
	char const *family = field(&at, ' ');
	int v4 = family && !strcmp(family, "TCP4");
	if (!v4 && (!family || strcmp(family, "TCP6")))
		return PROXY_MALFORMED;
	h->told = address(h->remote_ip, field(&at, ' '), v4 ? AF_INET : AF_INET6) &&
		  address(h->local_ip, field(&at, ' '), v4 ? AF_INET : AF_INET6) &&
		  port(&h->remote_port, field(&at, ' ')) && port(&h->local_port, field(&at, 0));
	return h->told ? PROXY_GOOD : PROXY_MALFORMED;
}

/* ---- version 2 (2.2): command, family, lengths, then both addresses and both ports ---- */

static void
format(char *to, unsigned char const *addr, size_t len)
{
	unsigned char plain[16];
	inet_ntop(len == 4 ? AF_INET : AF_INET6, addr, to, UCSPI_IPMAX);
	/* A mapped one as IPv4, as everywhere here. */
	if (ucspi_scan(to, plain) == 4)
		inet_ntop(AF_INET, plain, to, UCSPI_IPMAX);
}

static enum proxy_verdict
parse_v2(unsigned char const *s, size_t n, struct proxy_header *h)
{
	enum { LOCAL = 0x20, PROXY = 0x21, STREAM = 1, DATAGRAM = 2 };
	static size_t const lengths[] = {0, 4, 16, 108}; /* unspecified, IPv4, IPv6, Unix */
	unsigned int family = s[13] >> 4, transport = s[13] & 15;
	if (s[12] == LOCAL)
		return PROXY_GOOD;
	if (s[12] != PROXY || family > 3 || transport > DATAGRAM)
		return PROXY_MALFORMED;
	if (transport == DATAGRAM)
		return PROXY_UNSUPPORTED;
	size_t len = lengths[family], ports = family == 3 ? 0 : 4;
	if (!family || !transport)
		return PROXY_GOOD;
	if (n < FIXED + 2 * len + ports)
		return PROXY_MALFORMED;
	if (family == 3) /* a program on the proxy's host: it has no address */
		return PROXY_GOOD;
	unsigned char const *p = s + FIXED + 2 * len;
	format(h->remote_ip, s + FIXED, len);
	format(h->local_ip, s + FIXED + len, len);
	h->remote_port = (uint16_t)(p[0] << 8 | p[1]);
	h->local_port = (uint16_t)(p[2] << 8 | p[3]);
	h->told = 1;
	return PROXY_GOOD;
}

enum proxy_verdict
proxy_header_parse(unsigned char const *s, size_t n, struct proxy_header *h)
{
	memset(h, 0, sizeof *h);
	if (proxy_header_lacks(s, n, PROXY_V1 | PROXY_V2))
		return PROXY_MALFORMED;
	return *s == *word ? parse_v1(s, n, h) : parse_v2(s, n, h);
}

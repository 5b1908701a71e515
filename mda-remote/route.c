#include "mda-remote/route.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <skalibs/types.h>

#include "lib/ascii.h"
#include "lib/conf.h"
#include "lib/domain.h"
#include "lib/sa.h"
#include "lib/table.h"
#include "lib/ucspi.h"
#include "mda-remote/envelope.h"

#define WRAP_PORT 465

static int
set_name(struct route *r, char const *s, size_t n)
{
	if (!n || n >= sizeof r->name)
		return -1;
	memcpy(r->name, s, n);
	r->name[n] = 0;
	if (r->kind != ROUTE_LMTP)
		ascii_lower(r->name, n);
	return 0;
}

/* [IPv6:2001:db8::1] or [192.0.2.1] or [host]: without the brackets and the tag. */
static int
set_bracketed(struct route *r, char const *s, size_t n)
{
	if (n > 5 && ascii_ieq(s, 5, "IPv6:")) {
		s += 5;
		n -= 5;
	}
	return set_name(r, s, n);
}

static int
parse_port(struct route *r, char const *s, size_t n)
{
	uint16_t port;
	char text[6];
	if (!n || n >= sizeof text)
		return -1;
	memcpy(text, s, n);
	text[n] = 0;
	if (!uint160_scan(text, &port) || !port)
		return -1;
	r->port = port;
	return 0;
}

/* HOST, HOST:PORT, [HOST], [HOST]:PORT; brackets mean no MX look-up. */
static int
parse_host(struct route *r, char const *s, size_t n)
{
	char const *end = s + n;
	if (*s == '[') {
		char const *close = memchr(s, ']', n);
		if (!close)
			return -1;
		if (r->kind == ROUTE_MX)
			r->kind = ROUTE_HOST;
		if (set_bracketed(r, s + 1, (size_t)(close - s - 1)) < 0)
			return -1;
		s = close + 1;
	} else {
		char const *colon = memchr(s, ':', n);
		size_t len = colon ? (size_t)(colon - s) : n;
		if (set_name(r, s, len) < 0)
			return -1;
		s += len;
	}
	if (s == end)
		return 0;
	return *s == ':' ? parse_port(r, s + 1, (size_t)(end - s - 1)) : -1;
}

static int
parse_target(struct route *r, char const *s, size_t n)
{
	if (n > 5 && ascii_ieq(s, 5, "lmtp:")) {
		s += 5;
		n -= 5;
		r->kind = memchr(s, '/', n) ? ROUTE_LMTP : ROUTE_LMTP_HOST;
		if (r->kind == ROUTE_LMTP)
			return set_name(r, s, n);
	}
	return parse_host(r, s, n);
}

/* ---- words ---- */

static int
word_auth(struct route *r, char const *s, size_t n)
{
	if (!n || n >= sizeof r->auth || memchr(s, '/', n))
		return -1;
	memcpy(r->auth, s, n);
	r->auth[n] = 0;
	return 0;
}

/* An address to connect from; one of each family may be given. */
static int
word_from(struct route *r, char const *s, size_t n)
{
	char text[46];
	unsigned char addr[16];
	if (n >= sizeof text)
		return -1;
	memcpy(text, s, n);
	text[n] = 0;
	unsigned int len = ucspi_scan(text, addr);
	if (!len || r->source[len == 16][0])
		return -1;
	strcpy(r->source[len == 16], text);
	return 0;
}

static int
word_tls(struct route *r, char const *s, size_t n)
{
	int wrap = ascii_ieq(s, n, "wrap");
	if (tls_rule_word(&r->tls, wrap ? "must" : s, wrap ? 4 : n) < 0)
		return -1;
	r->wrap = wrap;
	return 0;
}

static int
word_family(struct route *r, char const *s, size_t n)
{
	(void)n;
	int family = s[-1] - '0';
	if (r->family)
		return -1;
	r->family = family;
	return 0;
}

static int
word_also_local(struct route *r, char const *s, size_t n)
{
	(void)s;
	(void)n;
	r->also_local = 1;
	return 0;
}

/* A handler gets what stands behind the word. */
static struct {
	char const *word; /* one that ends with "=" has a value */
	int (*fn)(struct route *r, char const *s, size_t n);
} const words[] = {
    {"also-local", word_also_local},
    {"auth=", word_auth},
    {"from=", word_from},
    {"ipv4", word_family},
    {"ipv6", word_family},
    {"tls=", word_tls},
};

/* 0; -1 bad; 1 it is no word but a host. */
static int
parse_word(struct route *r, char const *s, size_t n)
{
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		size_t len = strlen(words[i].word);
		int value = words[i].word[len - 1] == '=';
		if ((value ? n > len : n == len) && ascii_ieq(s, len, words[i].word))
			return words[i].fn(r, s + len, n - len);
	}
	return memchr(s, '=', n) ? tls_rule_word(&r->tls, s, n) : 1;
}

/* What follows from the words together. */
static int
complete(struct route *r)
{
	r->tls_given = r->tls.level != 0;
	/* RFC 8314 7.3: the port that speaks TLS from the first octet. */
	if (r->port == WRAP_PORT && !r->tls_given)
		r->wrap = 1;
	if (r->wrap && !r->port)
		r->port = WRAP_PORT;
	/* A password is not shown to a stranger because somebody stripped STARTTLS ... */
	if ((r->auth[0] || r->wrap) && !r->tls_given)
		r->tls.level = TLS_MUST;
	/* ... or forged the MX records. */
	if (r->auth[0] && r->kind == ROUTE_MX && (!r->tls_given || r->wrap))
		r->tls.level = TLS_SECURE;
	r->tls_given |= r->auth[0] || r->wrap;
	if (!r->tls.level)
		r->tls.level = TLS_DANE;
	return tls_rule_finish(&r->tls, r->name);
}

static int
printable(char const *s)
{
	while (*s == '\t' || (unsigned char)*s >= ' ')
		s++;
	return !*s;
}

int
route_parse(char const *value, char const *domain, struct route *r)
{
	/* What others' tables hold may have line ends, and a packet to smtp-send is made of lines. */
	int error = !printable(value);
	memset(r, 0, sizeof *r);
	r->kind = ROUTE_MX;
	for (char const *s = value; !error && *(s += strspn(s, " \t"));) {
		size_t n = strcspn(s, " \t");
		error = parse_word(r, s, n);
		if (error > 0)
			error = r->name[0] ? -1 : parse_target(r, s, n);
		s += n;
	}
	if (!r->name[0] && !error)
		error = parse_host(r, domain, strlen(domain));
	return error || complete(r) < 0 ? -1 : 0;
}

/* ---- tables ---- */

/* A local domain: recipients that mda-local could not take at once. 1, 0 if it is not one, -1. */
static int
find_local(char const *domain, stralloc *value, struct route *r)
{
	int found = *domain ? table_find("domains", domain, strlen(domain), value) : 1;
	if (found <= 0)
		return found;
	if (*domain && value->len > 5 && !strncmp(value->s, "lmtp:", 5))
		return route_parse(value->s, domain, r) < 0 ? -1 : 1;
	char *path = conf_path("run/lmtp/sock");
	memset(r, 0, sizeof *r);
	r->kind = ROUTE_LMTP;
	r->tls.level = TLS_NO;
	int error = set_name(r, path, strlen(path));
	free(path);
	return error < 0 ? -1 : 1;
}

/* The domain itself, ".parent" for each of its parents. 1, 0, -1. */
static int
find_domain(char const *domain, stralloc *value)
{
	/* The empty key is not one of the text (lib/table.h). */
	int found = *domain ? table_find("routes", domain, strlen(domain), value) : 0;
	for (char const *s = domain; !found && (s = strchr(s + 1, '.'));)
		found = table_find("routes", s, strlen(s), value);
	return found;
}

/* "user LOGIN" of who handed it in (no address has a blank there); the address itself, "@domain";
 * "<>" for the null path. 1, 0, -1. */
static int
find_sender(struct smtp_mail const *mail, stralloc *value)
{
	char const *key = *mail->from.text ? mail->from.text : "<>", *at = strrchr(key, '@');
	int found = 0;
	if (mail->login) {
		char user[sizeof "user " + ENVELOPE_TEXT_MAX];
		int n = snprintf(user, sizeof user, "user %s", mail->login);
		found = table_find("sender-routes", user, (size_t)n, value);
	}
	if (!found)
		found = table_find("sender-routes", key, strlen(key), value);
	return found || !at ? found : table_find("sender-routes", at, strlen(at), value);
}

/* What the settings say of mail that leaves. 1, 0 nothing, -1. */
static int
find_route(char const *domain, struct smtp_mail const *mail, struct route *r, stralloc *value,
    char const **why)
{
	*why = "etc/routes cannot be read or has a bad value";
	int found = find_domain(domain, value);
	if (!found) {
		*why = "etc/sender-routes cannot be read or has a bad value";
		found = find_sender(mail, value);
	}
	if (!found) {
		*why = "etc/routes cannot be read or has a bad value";
		found = table_find("routes", "*", 1, value);
	}
	return found < 0 || route_parse(found ? value->s : "", domain, r) < 0 ? -1 : found;
}

int
route_find(char const *domain, struct smtp_mail const *mail, struct route *r, char const **why)
{
	stralloc value = STRALLOC_ZERO;
	int found = find_route(domain, mail, r, &value, why);
	/* What is wrong with the ways out of this host does not hold up what stays. */
	if (found < 0 || !r->also_local) {
		struct route local;
		int is_local = find_local(domain, &value, &local);
		if (is_local < 0)
			*why = "etc/domains cannot be read or has a bad value";
		if (is_local > 0)
			*r = local;
		if (is_local)
			found = is_local;
	}
	stralloc_free(&value);
	if (found >= 0 && !r->tls_given && (r->kind == ROUTE_MX || r->kind == ROUTE_HOST)) {
		*why = "etc/tls-policy cannot be read or has a bad value";
		found = tls_policy_find(r->name, &r->tls);
		r->tls_given = found > 0;
	}
	return found < 0 ? -1 : 0;
}

/* It goes to a server on this host. */
static int
stays(struct route const *r)
{
	static unsigned char const loopback[16] = {[15] = 1};
	unsigned char addr[16];
	if (r->kind == ROUTE_LMTP)
		return 1;
	unsigned int len = r->kind == ROUTE_LMTP_HOST ? ucspi_scan(r->name, addr) : 0;
	return len == 4 ? addr[0] == 127 : len == 16 && !memcmp(addr, loopback, 16);
}

void
route_require(struct route *r, int required, int optional)
{
	if (stays(r))
		return;
	if (required) {
		r->require = 1;
		/* What our own settings ask beyond it stands. */
		if (strchr("nmed", (int)r->tls.level))
			r->tls.level = TLS_REQUIRE;
	} else if (optional && !r->tls_given) {
		r->tls.level = TLS_MAY;
		r->tls_given = 1;
	}
}

int
route_dane(struct route const *r)
{
	return strchr("dDR", (int)r->tls.level) != 0;
}

void
route_key(stralloc *key, struct route const *r)
{
	char const *wrap = !r->wrap ? "" : r->tls.level == TLS_MUST ? "w" : "w:";
	char tls[2] = {r->wrap && r->tls.level == TLS_MUST ? 0 : (char)r->tls.level};
	sa_catf(key, "%c:%s:%u:%s%s:%s", r->kind, r->name, r->port, wrap, tls, r->auth);
	if (r->family)
		sa_catf(key, ":ipv%d", r->family);
	for (int i = 0; i < 2; i++)
		if (r->source[i][0])
			sa_catf(key, ":from=%s", r->source[i]);
	/* Where it is said that MTA-STS is not asked, though these levels would ask. */
	int alone = r->tls_given && (r->tls.level == TLS_DANE || r->tls.level == TLS_REQUIRE);
	/* What etc/tls-policy says is no part of the shortest form. */
	if (r->tls.min || r->tls.names[0] || alone)
		sa_catf(key, ":%u:%s", r->tls.min, r->tls.names);
	if (r->require && r->tls.level != TLS_REQUIRE)
		sa_cats(key, ":requiretls");
}

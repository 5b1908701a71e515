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

static int
parse_word(struct route *r, char const *s, size_t n)
{
	static struct {
		char const *word;
		enum route_tls tls;
	} const tls[] = {{"tls=no", TLS_NO}, {"tls=may", TLS_MAY}, {"tls=must", TLS_MUST}};
	for (size_t i = 0; i < 3; i++)
		if (ascii_ieq(s, n, tls[i].word)) {
			r->tls = tls[i].tls;
			return 0;
		}
	if (n <= 5 || !ascii_ieq(s, 5, "auth=") || n - 5 >= sizeof r->auth || memchr(s, '/', n))
		return -1;
	memcpy(r->auth, s + 5, n - 5);
	r->auth[n - 5] = 0;
	return 0;
}

int
route_parse(char const *value, char const *domain, struct route *r)
{
	int error = 0, tls_given = 0;
	memset(r, 0, sizeof *r);
	r->kind = ROUTE_MX;
	r->tls = TLS_MAY;
	for (char const *s = value; !error && *(s += strspn(s, " \t"));) {
		size_t n = strcspn(s, " \t");
		if (ascii_ieq(s, n < 4 ? n : 4, "tls=") && n > 4)
			tls_given = 1;
		error = strchr(s, '=') && memchr(s, '=', n) ? parse_word(r, s, n)
							    : parse_target(r, s, n);
		s += n;
	}
	if (!r->name[0] && !error)
		error = parse_host(r, domain, strlen(domain));
	/* A password is not shown to a stranger because somebody stripped STARTTLS. */
	if (r->auth[0] && !tls_given)
		r->tls = TLS_MUST;
	return error;
}

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
	r->tls = TLS_NO;
	int error = set_name(r, path, strlen(path));
	free(path);
	return error < 0 ? -1 : 1;
}

/* The domain itself, ".parent" for each of its parents, "*". 1, 0, -1. */
static int
find_route(char const *domain, stralloc *value)
{
	int found = table_find("routes", domain, strlen(domain), value);
	for (char const *s = domain; !found && (s = strchr(s + 1, '.'));)
		found = table_find("routes", s, strlen(s), value);
	if (!found)
		found = table_find("routes", "*", 1, value);
	return found;
}

int
route_find(char const *domain, struct route *r, char const **why)
{
	stralloc value = STRALLOC_ZERO;
	*why = "etc/domains cannot be read or has a bad value";
	int found = find_local(domain, &value, r);
	if (!found) {
		*why = "etc/routes cannot be read or has a bad value";
		found = find_route(domain, &value);
		if (found >= 0 && route_parse(found ? value.s : "", domain, r) < 0)
			found = -1;
	}
	stralloc_free(&value);
	return found < 0 ? -1 : 0;
}

void
route_key(stralloc *key, struct route const *r)
{
	sa_catf(key, "%c:%s:%u:%c:%s", r->kind, r->name, r->port, r->tls, r->auth);
}

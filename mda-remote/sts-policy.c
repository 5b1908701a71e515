#include "mda-remote/sts.h"

#include <stdlib.h>
#include <string.h>

#include <skalibs/types.h>

#include "lib/ascii.h"
#include "lib/domain.h"
#include "lib/sa.h"

char const *const sts_ca_files[] = {"/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem",
    "/etc/pki/tls/certs/ca-bundle.crt", 0};

#define MAX_AGE 31557600 /* RFC 8461 3.2: about a year */
#define ALNUM "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

/* ---- the record ---- */

static int
is_record(char const *s)
{
	return !strncmp(s, "v=STSv1", 7) && s[7] && strchr(" \t;", s[7]);
}

/* One "NAME=VALUE"; of an id the value goes to id. 0 or -1. */
static int
record_field(char const *s, size_t n, char *id)
{
	char const *equals = memchr(s, '=', n);
	if (!equals || equals == s || equals + 1 == s + n)
		return -1;
	if (!ascii_ieq(s, (size_t)(equals - s), "id"))
		return 0;
	size_t len = n - (size_t)(equals + 1 - s);
	if (*id || len > STS_ID_MAX || strspn(equals + 1, ALNUM) < len)
		return -1;
	memcpy(id, equals + 1, len);
	id[len] = 0;
	return 0;
}

static int
parse_record(char const *s, char *id)
{
	*id = 0;
	s += 7;
	while (*s) {
		/* sts-field-delim = *WSP ";" *WSP */
		s += strspn(s, " \t");
		if (!*s)
			break;
		if (*s++ != ';')
			return 0;
		s += strspn(s, " \t");
		size_t n = strcspn(s, "; \t");
		if (!n && !*s)
			break;
		if (record_field(s, n, id) < 0)
			return 0;
		s += n;
	}
	return *id != 0;
}

int
sts_record(char const *texts, char id[static STS_ID_MAX + 1])
{
	char const *found = 0;
	for (char const *s = texts; *s; s += strlen(s) + 1) {
		if (!is_record(s))
			continue;
		if (found)
			return 0;
		found = s;
	}
	return found ? parse_record(found, id) : 0;
}

/* ---- the policy ---- */

struct line {
	char const *value;
	size_t n;
};

static int
add_mx(struct sts_policy *p, struct line v, unsigned int *seen, char const **why)
{
	(void)seen;
	int wildcard = v.n > 2 && v.value[0] == '*' && v.value[1] == '.';
	if (!domain_valid(v.value + 2 * wildcard, v.n - 2 * (size_t)wildcard)) {
		*why = "an mx that is no host name";
		return -1;
	}
	if (p->count == STS_MX_MAX) {
		*why = "too many mx";
		return -1;
	}
	p->mx[p->count] = xstrndup(v.value, v.n);
	ascii_lower(p->mx[p->count++], v.n);
	return 0;
}

enum { SEEN_VERSION = 1, SEEN_MODE = 2, SEEN_AGE = 4 };

/* RFC 8461 3.2: of a field that stands twice the first counts. */
static int
first(unsigned int *seen, unsigned int bit)
{
	int r = !(*seen & bit);
	*seen |= bit;
	return r;
}

static int
set_version(struct sts_policy *p, struct line v, unsigned int *seen, char const **why)
{
	(void)p;
	*why = "its version is not STSv1";
	return !first(seen, SEEN_VERSION) || (v.n == 5 && !memcmp(v.value, "STSv1", 5)) ? 0 : -1;
}

static int
set_mode(struct sts_policy *p, struct line v, unsigned int *seen, char const **why)
{
	static char const *const modes[] = {"none", "testing", "enforce"};
	if (!first(seen, SEEN_MODE))
		return 0;
	for (size_t i = 0; i < 3; i++)
		if (strlen(modes[i]) == v.n && !memcmp(modes[i], v.value, v.n)) {
			p->mode = (enum sts_mode)modes[i][0];
			return 0;
		}
	*why = "its mode is none of enforce, testing and none";
	return -1;
}

static int
set_age(struct sts_policy *p, struct line v, unsigned int *seen, char const **why)
{
	char text[11];
	uint64_t age;
	*why = "its max_age is no number";
	if (!first(seen, SEEN_AGE))
		return 0;
	if (!v.n || v.n >= sizeof text)
		return -1;
	memcpy(text, v.value, v.n);
	text[v.n] = 0;
	if (!uint640_scan(text, &age))
		return -1;
	p->max_age = age > MAX_AGE ? MAX_AGE : (uint32_t)age;
	return 0;
}

static struct {
	char const *name;
	int (*fn)(struct sts_policy *p, struct line v, unsigned int *seen, char const **why);
} const fields[] = {
    {"max_age", set_age},
    {"mode", set_mode},
    {"mx", add_mx},
    {"version", set_version},
};

/* "NAME: VALUE"; names that are not known are extensions. */
static int
policy_line(struct sts_policy *p, char const *s, size_t n, unsigned int *seen, char const **why)
{
	char const *colon = memchr(s, ':', n);
	if (!colon || colon == s) {
		*why = "a line that is no field";
		return -1;
	}
	struct line v = {colon + 1, n - (size_t)(colon + 1 - s)};
	ascii_trim(&v.value, &v.n);
	size_t len = (size_t)(colon - s);
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
		if (strlen(fields[i].name) == len && !memcmp(fields[i].name, s, len))
			return fields[i].fn(p, v, seen, why);
	return 0;
}

int
sts_policy_parse(struct sts_policy *p, char const *s, size_t n, char const **why)
{
	unsigned int seen = 0;
	char const *end = s + n;
	memset(p, 0, sizeof *p);
	*why = "it holds a NUL";
	if (memchr(s, 0, n))
		return -1;
	while (s < end) {
		char const *lf = memchr(s, '\n', (size_t)(end - s));
		char const *next = lf ? lf + 1 : end;
		size_t len = (size_t)((lf ? lf : end) - s);
		if (len && s[len - 1] == '\r')
			len--;
		if (len && policy_line(p, s, len, &seen, why) < 0)
			return -1;
		s = next;
	}
	*why = "it lacks one of version, mode and max_age";
	if (seen != (SEEN_VERSION | SEEN_MODE | SEEN_AGE))
		return -1;
	*why = "it names no mx";
	return p->count || p->mode == STS_NONE ? 0 : -1;
}

void
sts_policy_free(struct sts_policy *p)
{
	while (p->count)
		free(p->mx[--p->count]);
}

int
sts_policy_matches(struct sts_policy const *p, char const *host)
{
	size_t n = strlen(host);
	/* A wildcard stands for the first label, whole (RFC 6125 6.4.3). */
	char const *parent = strchr(host, '.');
	if (n && host[n - 1] == '.')
		n--;
	for (unsigned int i = 0; i < p->count; i++) {
		char const *mx = p->mx[i];
		if (ascii_ieq(host, n, mx))
			return 1;
		if (mx[0] == '*' && parent && parent != host &&
		    ascii_ieq(parent, n - (size_t)(parent - host), mx + 1))
			return 1;
	}
	return 0;
}

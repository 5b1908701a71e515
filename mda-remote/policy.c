#include "mda-remote/policy.h"

#include <stdio.h>
#include <string.h>

#include "lib/ascii.h"
#include "lib/domain.h"
#include "lib/sa.h"
#include "lib/table.h"

#define DIGEST_DIGITS 64 /* SHA-256 in hexadecimal */

/* ---- words ---- */

static int
is_name(char const *s, size_t n)
{
	return *s == '.' ? domain_valid(s + 1, n - 1) : domain_valid(s, n);
}

static int
is_digest(char const *s, size_t n)
{
	return n == DIGEST_DIGITS && strspn(s, "0123456789abcdefABCDEF") >= n;
}

/* Parts joined by ':', each of which must be good, and no more than smtp-send takes. */
static int
set_names(struct tls_rule *r, char const *s, size_t n, int (*good)(char const *, size_t))
{
	if (!n || n >= sizeof r->names || r->names[0])
		return -1;
	memcpy(r->names, s, n);
	r->names[n] = 0;
	ascii_lower(r->names, n);
	unsigned int count = 0;
	for (char const *p = r->names;; p++) {
		size_t len = strcspn(p, ":");
		if (!len || !good(p, len) || ++count > SEND_NAMES_MAX)
			return -1;
		p += len;
		if (!*p)
			return 0;
	}
}

static int
set_min(struct tls_rule *r, char const *s, size_t n)
{
	/* 1.0 to 1.3 */
	if (n != 3 || s[0] != '1' || s[1] != '.' || s[2] < '0' || s[2] > '3')
		return -1;
	r->min = 10 + (unsigned int)(s[2] - '0');
	return 0;
}

int
tls_rule_word(struct tls_rule *r, char const *s, size_t n)
{
	static struct {
		char const *word;
		enum route_tls level;
	} const levels[] = {
	    {"no", TLS_NO},
	    {"may", TLS_MAY},
	    {"must", TLS_MUST},
	    {"encrypt", TLS_ENCRYPT},
	    {"dane", TLS_DANE},
	    {"dane-only", TLS_DANE_ONLY},
	    {"secure", TLS_SECURE},
	};
	for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
		if (ascii_ieq(s, n, levels[i].word)) {
			if (r->level)
				return -1;
			r->level = levels[i].level;
			return 0;
		}
	if (n > 6 && ascii_ieq(s, 6, "match="))
		return set_names(r, s + 6, n - 6, is_name);
	if (n > 4 && ascii_ieq(s, 4, "min="))
		return set_min(r, s + 4, n - 4);
	if (n <= 12 || r->level || !ascii_ieq(s, 12, "fingerprint="))
		return -1;
	r->level = TLS_FINGERPRINT;
	return set_names(r, s + 12, n - 12, is_digest);
}

int
tls_rule_finish(struct tls_rule *r, char const *domain)
{
	/* A domain that is an address has no names below it. */
	if (r->level == TLS_SECURE && !r->names[0]) {
		int n = snprintf(r->names, sizeof r->names, "%s:.%s", domain, domain);
		return n < 0 || (size_t)n >= sizeof r->names ? -1 : 0;
	}
	int named = r->level == TLS_SECURE || r->level == TLS_FINGERPRINT;
	return named == (r->names[0] != 0) ? 0 : -1;
}

int
tls_rule_parse(struct tls_rule *r, char const *value, char const *domain)
{
	int words = 0;
	memset(r, 0, sizeof *r);
	for (char const *s = value; *(s += strspn(s, " \t")); words++) {
		size_t n = strcspn(s, " \t");
		if (tls_rule_word(r, s, n) < 0)
			return -1;
		s += n;
	}
	return words && r->level ? tls_rule_finish(r, domain) : -1;
}

/* ---- in a packet ---- */

void
tls_rule_lines(stralloc *packet, struct tls_rule const *r)
{
	char letter = r->level == TLS_FINGERPRINT ? 'f' : 'v';
	sa_catf(packet, "t %c\n", (char)r->level);
	if (r->min)
		sa_catf(packet, "p %u\n", r->min);
	for (char const *s = r->names; *s;) {
		size_t n = strcspn(s, ":");
		sa_catf(packet, "%c %.*s\n", letter, (int)n, s);
		s += n + (s[n] == ':');
	}
}

/* ---- the table ---- */

int
tls_policy_find(char const *domain, struct tls_rule *r)
{
	stralloc value = STRALLOC_ZERO;
	int found = table_find("tls-policy", domain, strlen(domain), &value);
	for (char const *s = domain; !found && (s = strchr(s + 1, '.'));)
		found = table_find("tls-policy", s, strlen(s), &value);
	if (!found)
		found = table_find("tls-policy", "*", 1, &value);
	if (found > 0 && tls_rule_parse(r, sa_str(&value), domain) < 0)
		found = -1;
	stralloc_free(&value);
	return found;
}

/* URIs of mail addresses: RFC 6068, as RFC 5436 2 uses them. */
#include <string.h>
#include <strings.h>

#include "lib/ascii.h"
#include "lib/sa.h"
#include "lib/utf8.h"
#include "sieve/answer.h"
#include "sieve/edit.h"

/* Fields that are not the script's (RFC 5436 2.7, RFC 6068 7): ignored. */
static char const *const unsafe[] = {"from", "sender", "reply-to", "date", "message-id", "received",
    "return-path", "delivered-to", "auto-submitted", "bcc", "mime-version", "dkim-signature",
    "x-priority", "importance", "in-reply-to", "references"};

static int
is_unsafe(char const *name)
{
	if (!strncasecmp(name, "content-", 8) || !strncasecmp(name, "resent-", 7) ||
	    !strncasecmp(name, "list-", 5) || !strncasecmp(name, "arc-", 4))
		return 1;
	for (size_t i = 0; i < sizeof unsafe / sizeof *unsafe; i++)
		if (!strcasecmp(name, unsafe[i]))
			return 1;
	return 0;
}

static int
hex(char c)
{
	if (ascii_isdigit(c))
		return c - '0';
	c = ascii_tolower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* s[0..n) without its "%xx", a C string in a; null: not of this form, or no UTF-8. */
static char const *
decode(struct arena *a, char const *s, size_t n)
{
	char *const to = arena_alloc(a, n + 1);
	size_t k = 0;
	for (size_t i = 0; i < n; i++) {
		if (s[i] != '%') {
			to[k++] = s[i];
			continue;
		}
		if (n - i < 3 || hex(s[i + 1]) < 0 || hex(s[i + 2]) < 0)
			return 0;
		to[k] = (char)(hex(s[i + 1]) << 4 | hex(s[i + 2]));
		if (!to[k++])
			return 0;
		i += 2;
	}
	to[k] = 0;
	return utf8_valid(to, k) ? to : 0;
}

/* Addresses, separated by commas (a comma in one is "%2C"). 0, or -1 with *error. */
static int
addresses(struct arena *a, char const *s, size_t n, char const **list, unsigned int *count,
    char const **error)
{
	while (n) {
		char const *const comma = memchr(s, ',', n);
		size_t const len = comma ? (size_t)(comma - s) : n;
		char const *const address = decode(a, s, len);
		if (!address || !sieve_address_valid(address, 0, 0)) {
			*error = "the mailto URI has an address that is none";
			return -1;
		}
		if (*count == MAILTO_ADDRESSES_MAX) {
			*error = "the mailto URI has too many addresses";
			return -1;
		}
		list[(*count)++] = address;
		s += len + (comma != 0);
		n -= len + (comma != 0);
	}
	return 0;
}

/* One "name=value". */
static int
field(struct sieve_mailto *m, struct arena *a, char const *s, size_t n, char const **error)
{
	char const *const equals = memchr(s, '=', n);
	char const *const name = equals ? decode(a, s, (size_t)(equals - s)) : 0;
	if (!name || !sieve_edit_name_valid(name, strlen(name))) {
		*error = "the mailto URI has a field that is none";
		return -1;
	}
	char const *const from = equals + 1;
	size_t const len = (size_t)(s + n - from);
	/* More than one address in a field may be separated by an encoded comma as well. */
	char const *const value = decode(a, from, len);
	if (!value) {
		*error = "the mailto URI has octets that are no UTF-8";
		return -1;
	}
	if (!strcasecmp(name, "to"))
		return addresses(a, from, len, m->to, &m->to_count, error);
	if (!strcasecmp(name, "cc"))
		return addresses(a, from, len, m->cc, &m->cc_count, error);
	if (!strcasecmp(name, "subject"))
		m->subject = value;
	else if (!strcasecmp(name, "body"))
		m->body = value;
	else if (!is_unsafe(name)) {
		if (m->fields == MAILTO_FIELDS_MAX) {
			*error = "the mailto URI has too many fields";
			return -1;
		}
		m->field[m->fields][0] = name;
		m->field[m->fields++][1] = value;
	}
	return 0;
}

int
sieve_mailto_parse(struct sieve_mailto *m, struct arena *a, char const *uri, char const **error)
{
	size_t n = strlen(uri);
	memset(m, 0, sizeof *m);
	if (strncasecmp(uri, "mailto:", 7)) {
		*error = "the notification method is no mailto URI";
		return -1;
	}
	if (n > MAILTO_URI_MAX) {
		*error = "the mailto URI is too long";
		return -1;
	}
	char const *s = uri + 7, *const question = strchr(s, '?');
	size_t const path = question ? (size_t)(question - s) : n - 7;
	if (addresses(a, s, path, m->to, &m->to_count, error) < 0)
		return -1;
	for (s += path; *s; s += n) {
		s++;
		n = strcspn(s, "&");
		if (n && field(m, a, s, n, error) < 0)
			return -1;
	}
	if (m->to_count + m->cc_count == 0) {
		*error = "the mailto URI has no address";
		return -1;
	}
	return 0;
}

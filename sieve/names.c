/* Names of scripts, and addresses that a script gives. */
#include "sieve/sieve.h"

#include <string.h>

#include "lib/address.h"
#include "lib/ascii.h"
#include "lib/sa.h"
#include "lib/utf8.h"

int
sieve_name_valid(char const *s, size_t n)
{
	if (!n || n > SIEVE_NAME_MAX || !utf8_valid(s, n))
		return 0;
	if (n >= 3 && !memcmp(s, "\xef\xbb\xbf", 3)) /* RFC 5198 2: no byte order mark */
		return 0;
	for (size_t i = 0; i < n;) {
		uint32_t c;
		i += utf8_decode(s + i, n - i, &c);
		if (c < 32 || (c >= 127 && c < 160) || c == '/' || c == 0x2028 || c == 0x2029)
			return 0;
	}
	return 1;
}

/* No part is cut within a character, so that each is a name that every tool can show. */
void
sieve_name_file(stralloc *out, char const *name, size_t n)
{
	if (n <= SIEVE_FILE_NAME_MAX) {
		sa_catb(out, name, n);
		n = 0;
	} else
		sa_cats(out, SIEVE_LONG_FOLDER);
	while (n) {
		size_t part = n < SIEVE_NAME_PART ? n : SIEVE_NAME_PART;
		while (part < n && ((unsigned char)name[part] & 0xC0) == 0x80)
			part--;
		sa_append(out, '/');
		sa_catb(out, name, part);
		name += part;
		n -= part;
	}
	sa_cats(out, SIEVE_SCRIPT_SUFFIX);
}

/* A domain or an address literal: nothing that would not go into a command of SMTP. */
static int
host_valid(char const *host)
{
	size_t const n = strlen(host);
	if (!n || n > 255 || *host == '.' || host[n - 1] == '.')
		return 0;
	size_t const literal = *host == '[' && host[n - 1] == ']';
	for (size_t i = literal; i + literal < n; i++)
		if (!((unsigned char)host[i] > 127 || ascii_isdigit(host[i]) ||
			(ascii_tolower(host[i]) >= 'a' && ascii_tolower(host[i]) <= 'z') ||
			host[i] == '-' || (host[i] == '.' && host[i + 1] != '.') ||
			(literal && host[i] == ':')))
			return 0;
	return 1;
}

int
sieve_address_valid(char const *s, int named, stralloc *out)
{
	struct arena a = ARENA_ZERO;
	size_t const n = strlen(s);
	int ok = 0;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] < 32 || s[i] == 127)
			return 0;
	struct address const *x = address_parse(&a, s, n);
	if (x && !x->next && x->kind == ADDRESS_MAILBOX && !x->broken && x->mailbox &&
	    *x->mailbox && strlen(x->mailbox) <= 255 && x->host && host_valid(x->host) &&
	    !x->route && (named || (!x->name && !strchr(s, '<'))) && utf8_valid(s, n)) {
		ok = 1;
		if (out)
			address_spec(out, x);
	}
	arena_free(&a);
	return ok;
}

/* OAUTHBEARER (RFC 7628) and XOAUTH2 (Google's, which it grew out of): a user and a token, which
 * somebody else has to judge. */
#include <string.h>

#include "lib/ascii.h"
#include "lib/sasl.h"

#define KVSEP '\1'

static int
is_alphanumeric(char c)
{
	return ascii_isdigit(c) || (ascii_tolower(c) >= 'a' && ascii_tolower(c) <= 'z');
}

/* RFC 6750 2.1: b64token. */
static int
is_token(char const *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!is_alphanumeric(s[i]) && (!s[i] || !strchr("-._~+/=", s[i])))
			return 0;
	return n > 0;
}

/* auth=Bearer TOKEN; the scheme's name in any case (RFC 9110 11.1). */
static enum sasl_status
put_token(struct sasl *s, char const *value, size_t len)
{
	static char const scheme[] = "bearer";
	size_t n = sizeof scheme - 1;
	if (len <= n || !ascii_ieq(value, n, scheme) || value[n] != ' ')
		return SASL_SYNTAX;
	while (n < len && value[n] == ' ')
		n++;
	return is_token(value + n, len - n) ? sasl_put_secret(s, value + n, len - n) : SASL_SYNTAX;
}

/* *kvpair kvsep: key=value pairs, each with a ^A behind it, and one more at the end. Other keys
 * (host, port, mthd, ...) mean nothing here. */
static enum sasl_status
pairs(struct sasl *s, char const *p, char const *end)
{
	enum sasl_status r = SASL_SYNTAX;
	while (p < end && *p != KVSEP) {
		char const *stop = memchr(p, KVSEP, (size_t)(end - p));
		char const *equals = stop ? memchr(p, '=', (size_t)(stop - p)) : 0;
		if (!equals)
			return SASL_SYNTAX;
		size_t n = (size_t)(equals - p), len = (size_t)(stop - equals - 1);
		enum sasl_status one = SASL_DONE;
		if (ascii_ieq(p, n, "auth"))
			one = r = put_token(s, equals + 1, len);
		else if (ascii_ieq(p, n, "user"))
			one = sasl_put_login(s, equals + 1, len);
		if (one != SASL_DONE)
			return one;
		p = stop + 1;
	}
	return p + 1 == end ? r : SASL_SYNTAX;
}

/* RFC 7628 3.1: gs2-header ^A pairs ^A. The user is the header's authzid. */
enum sasl_status
sasl_oauthbearer(struct sasl *s, char const *message, size_t len, stralloc *out)
{
	char const *end = message + len, *sep = len ? memchr(message, KVSEP, len) : 0;
	char user[SASL_LOGIN_MAX + 1] = "";
	(void)out;
	if (!sep || sep - message < 3 || memchr(message, 0, len))
		return SASL_SYNTAX;
	if ((*message != 'n' && *message != 'y') || message[1] != ',' || sep[-1] != ',')
		return SASL_SYNTAX;
	size_t n = sep - message > 3 ? (size_t)(sep - message - 3) : 0;
	enum sasl_status r = SASL_DONE;
	if (n)
		r = n > 2 && !memcmp(message + 2, "a=", 2)
			? sasl_gs2_name(message + 4, n - 2, user, SASL_LOGIN_MAX)
			: SASL_SYNTAX;
	if (r == SASL_DONE)
		r = pairs(s, sep + 1, end);
	if (r == SASL_DONE)
		r = sasl_put_login(s, user, strlen(user));
	return r;
}

/* "user=" user ^A "auth=Bearer " token ^A ^A */
enum sasl_status
sasl_xoauth2(struct sasl *s, char const *message, size_t len, stralloc *out)
{
	(void)out;
	if (len && memchr(message, 0, len))
		return SASL_SYNTAX;
	enum sasl_status r = pairs(s, message, message + len);
	return r == SASL_DONE && !*s->login ? SASL_SYNTAX : r;
}

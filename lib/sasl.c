#include "lib/sasl.h"

#include <string.h>

#include "lib/ascii.h"
#include "lib/base64.h"
#include "lib/sa.h"

typedef enum sasl_status sasl_step_fn(
    struct sasl *s, char const *message, size_t len, stralloc *out);

struct sasl_mechanism {
	char const *name;
	sasl_step_fn *step;
	/* The client speaks first: without an initial response it is asked by an empty challenge,
	 * and the answer is step 0. Otherwise step 0 is called with an empty message to make the
	 * first challenge, and an initial response is the answer to that. */
	int client_first;
	enum sasl_evidence evidence;
};

static enum sasl_status
put(char *to, size_t max, char const *s, size_t n)
{
	if (n && memchr(s, 0, n))
		return SASL_SYNTAX;
	if (n > max)
		return SASL_LONG;
	if (n)
		memcpy(to, s, n);
	to[n] = 0;
	return SASL_DONE;
}

static int
is_control(char c)
{
	return (unsigned char)c < ' ' || c == 127;
}

enum sasl_status
sasl_put_login(struct sasl *s, char const *login, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is_control(login[i]))
			return SASL_SYNTAX;
	return put(s->login, SASL_LOGIN_MAX, login, n);
}

enum sasl_status
sasl_put_secret(struct sasl *s, char const *secret, size_t n)
{
	return put(s->secret, SASL_MESSAGE_MAX, secret, n);
}

/* RFC 5802 5.1: =2C and =3D stand for comma and equals sign, and no other equals sign stands there.
 */
enum sasl_status
sasl_gs2_name(char const *s, size_t len, char *to, size_t max)
{
	size_t n = 0;
	for (size_t i = 0; i < len; i++) {
		char c = s[i];
		if (is_control(c))
			return SASL_SYNTAX;
		if (c == '=') {
			if (len - i < 3 || (memcmp(s + i, "=2C", 3) && memcmp(s + i, "=3D", 3)))
				return SASL_SYNTAX;
			c = s[i + 2] == 'C' ? ',' : '=';
			i += 2;
		}
		if (n == max)
			return SASL_LONG;
		to[n++] = c;
	}
	to[n] = 0;
	return SASL_DONE;
}

/* RFC 4616 2: [authzid] NUL authcid NUL passwd, each without NUL, the latter two not empty. */
static enum sasl_status
plain(struct sasl *s, char const *message, size_t len, stralloc *out)
{
	(void)out;
	char const *end = message + len;
	char const *authcid = len ? memchr(message, 0, len) : 0;
	char const *password = authcid ? memchr(authcid + 1, 0, (size_t)(end - authcid - 1)) : 0;
	if (!password)
		return SASL_SYNTAX;
	size_t authzid_len = (size_t)(authcid++ - message);
	size_t authcid_len = (size_t)(password++ - authcid);
	enum sasl_status r = sasl_put_login(s, authcid, authcid_len);
	if (r == SASL_DONE)
		r = sasl_put_secret(s, password, (size_t)(end - password));
	if (r != SASL_DONE)
		return r;
	if (!authcid_len || !*s->secret)
		return SASL_SYNTAX;
	if (authzid_len && (authzid_len != authcid_len || memcmp(message, authcid, authcid_len)))
		return SASL_AUTHZID;
	return SASL_DONE;
}

/* draft-murchison-sasl-login: the server asks for the name and then for the password. Some clients
 * want exactly these words. */
static enum sasl_status
login(struct sasl *s, char const *message, size_t len, stralloc *out)
{
	enum sasl_status r;
	switch (s->step) {
	case 0:
		sa_copys(out, "Username:");
		return SASL_CONTINUE;
	case 1:
		r = sasl_put_login(s, message, len);
		sa_copys(out, "Password:");
		return !len ? SASL_SYNTAX : r == SASL_DONE ? SASL_CONTINUE : r;
	default:
		return len ? sasl_put_secret(s, message, len) : SASL_SYNTAX;
	}
}

/* RFC 4422 A: who the client wants to be, or nothing. */
static enum sasl_status
external(struct sasl *s, char const *message, size_t len, stralloc *out)
{
	(void)out;
	return sasl_put_login(s, message, len);
}

/* clang-format off */
static struct sasl_mechanism const mechanisms[SASL_MECHANISMS] = {
	[SASL_EXTERNAL]      = {"EXTERNAL",      external,         1, SASL_CERTIFICATE},
	[SASL_SCRAM_SHA_256] = {"SCRAM-SHA-256", sasl_scram,       1, SASL_PROVED},
	[SASL_SCRAM_SHA_1]   = {"SCRAM-SHA-1",   sasl_scram,       1, SASL_PROVED},
	[SASL_OAUTHBEARER]   = {"OAUTHBEARER",   sasl_oauthbearer, 1, SASL_TOKEN},
	[SASL_XOAUTH2]       = {"XOAUTH2",       sasl_xoauth2,     1, SASL_TOKEN},
	[SASL_PLAIN]         = {"PLAIN",         plain,            1, SASL_PASSWORD},
	[SASL_LOGIN]         = {"LOGIN",         login,            0, SASL_PASSWORD},
};
/* clang-format on */

char const *
sasl_name(enum sasl_mech m)
{
	return mechanisms[m].name;
}

enum sasl_mech
sasl_find(char const *name, size_t len)
{
	enum sasl_mech m = 0;
	while (m < SASL_MECHANISMS && !ascii_ieq(name, len, mechanisms[m].name))
		m++;
	return m;
}

void
sasl_names(stralloc *out, char const *prefix, unsigned int offered)
{
	for (enum sasl_mech m = 0; m < SASL_MECHANISMS; m++)
		if (offered & 1u << m) {
			sa_cats(out, prefix);
			sa_cats(out, mechanisms[m].name);
		}
}

static enum sasl_status
put_challenge(struct sasl *s, char const *text, size_t len)
{
	stralloc line = STRALLOC_ZERO;
	base64_encode(&line, text, len);
	int fits = line.len <= SASL_CHALLENGE_MAX;
	if (fits)
		memcpy(s->challenge, sa_str(&line), line.len + 1);
	stralloc_free(&line);
	return fits ? SASL_CONTINUE : SASL_LONG;
}

static enum sasl_status
feed(struct sasl *s, char const *message, size_t len)
{
	stralloc out = STRALLOC_ZERO;
	enum sasl_status r = s->mechanism->step(s, message, len, &out);
	s->step++;
	if (r == SASL_CONTINUE)
		r = put_challenge(s, out.s, out.len);
	stralloc_free(&out);
	return r;
}

enum sasl_status
sasl_start(struct sasl *s, struct sasl_server const *server, char const *name, size_t name_len,
    char const *initial, size_t initial_len)
{
	enum sasl_mech m = sasl_find(name, name_len);
	memset(s, 0, sizeof *s);
	if (m == SASL_MECHANISMS || !(server->offered & 1u << m))
		return SASL_UNKNOWN;
	s->server = server;
	s->mechanism = mechanisms + m;
	s->name = s->mechanism->name;
	s->evidence = s->mechanism->evidence;
	if (!s->mechanism->client_first) {
		enum sasl_status r = feed(s, "", 0);
		if (r != SASL_CONTINUE || !initial)
			return r;
	} else if (!initial)
		return SASL_CONTINUE;
	if (initial_len == 1 && *initial == '=')
		return feed(s, "", 0);
	/* Only a line of its own can cancel. */
	return initial_len == 1 && *initial == '*' ? SASL_SYNTAX
						   : sasl_step(s, initial, initial_len);
}

enum sasl_status
sasl_step(struct sasl *s, char const *line, size_t len)
{
	stralloc message = STRALLOC_ZERO;
	enum sasl_status r;
	if (s->refused)
		return SASL_FAILED;
	if (len == 1 && *line == '*')
		return SASL_CANCELLED;
	if (len > SASL_LINE_MAX)
		return SASL_LONG;
	/* Room at once, so that no copy of a password is left behind by growing. */
	sa_room(&message, len);
	if (base64_decode(&message, line, len) < 0)
		r = SASL_SYNTAX;
	else
		r = feed(s, message.s, message.len);
	if (message.s)
		explicit_bzero(message.s, message.a);
	stralloc_free(&message);
	return r;
}

/* RFC 7628 3.2.2 has status words of its own, Google's documentation HTTP's codes. */
enum sasl_status
sasl_refused(struct sasl *s)
{
	stralloc json = STRALLOC_ZERO;
	if (s->evidence != SASL_TOKEN || s->refused)
		return SASL_FAILED;
	s->refused = 1;
	explicit_bzero(s->secret, sizeof s->secret);
	sa_catf(&json, "{\"status\":\"%s\"%s}",
	    s->mechanism == mechanisms + SASL_XOAUTH2 ? "401" : "invalid_token",
	    s->server->oauth_error);
	enum sasl_status r = put_challenge(s, json.s, json.len);
	stralloc_free(&json);
	return r;
}

void
sasl_end(struct sasl *s)
{
	explicit_bzero(s, sizeof *s);
}

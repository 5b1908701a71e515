#include "lib/sasl.h"

#include <string.h>

#include "lib/ascii.h"
#include "lib/base64.h"
#include "lib/sa.h"

/* A step takes one decoded message. One that continues leaves the challenge, decoded, in *out
 * (empty as it comes). s->step counts from 0. */
typedef enum sasl_status sasl_step_fn(
    struct sasl *s, char const *message, size_t len, stralloc *out);

struct sasl_mechanism {
	char const *name;
	sasl_step_fn *step;
	/* The client speaks first: without an initial response it is asked by an empty challenge,
	 * and the answer is step 0. Otherwise step 0 is called with an empty message to make the
	 * first challenge, and an initial response is the answer to that. */
	int client_first;
};

/* A name or password: no NUL, and it fits. */
static int
put(char to[static SASL_MESSAGE_MAX + 1], char const *s, size_t n)
{
	if (n > SASL_MESSAGE_MAX || (n && memchr(s, 0, n)))
		return 0;
	if (n)
		memcpy(to, s, n);
	to[n] = 0;
	return 1;
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
	if (!put(s->login, authcid, authcid_len) ||
	    !put(s->password, password, (size_t)(end - password)))
		return SASL_SYNTAX;
	if (!authcid_len || !*s->password)
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
	switch (s->step) {
	case 0:
		sa_copys(out, "Username:");
		return SASL_CONTINUE;
	case 1:
		if (!len || !put(s->login, message, len))
			return SASL_SYNTAX;
		sa_copys(out, "Password:");
		return SASL_CONTINUE;
	default:
		return len && put(s->password, message, len) ? SASL_DONE : SASL_SYNTAX;
	}
}

/* In the order in which they are announced. */
static struct sasl_mechanism const mechanisms[] = {
    {"PLAIN", plain, 1},
    {"LOGIN", login, 0},
};
#define MECHANISMS (sizeof mechanisms / sizeof *mechanisms)

char const *
sasl_name(unsigned int i)
{
	return i < MECHANISMS ? mechanisms[i].name : 0;
}

static enum sasl_status
feed(struct sasl *s, char const *message, size_t len)
{
	stralloc out = STRALLOC_ZERO, text = STRALLOC_ZERO;
	enum sasl_status r = s->mechanism->step(s, message, len, &out);
	s->step++;
	if (r == SASL_CONTINUE) {
		base64_encode(&text, out.s, out.len);
		if (text.len > SASL_LINE_MAX)
			r = SASL_LONG;
		else
			memcpy(s->challenge, sa_str(&text), text.len + 1);
	}
	stralloc_free(&out);
	stralloc_free(&text);
	return r;
}

enum sasl_status
sasl_start(
    struct sasl *s, char const *name, size_t name_len, char const *initial, size_t initial_len)
{
	memset(s, 0, sizeof *s);
	for (size_t i = 0; i < MECHANISMS; i++)
		if (ascii_ieq(name, name_len, mechanisms[i].name))
			s->mechanism = mechanisms + i;
	if (!s->mechanism)
		return SASL_UNKNOWN;
	s->name = s->mechanism->name;
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
	if (len == 1 && *line == '*')
		return SASL_CANCELLED;
	if (len > SASL_LINE_MAX)
		return SASL_LONG;
	/* Room at once, so that no copy of a password is left behind by growing. */
	sa_room(&message, len);
	if (base64_decode(&message, line, len) < 0)
		r = SASL_SYNTAX;
	else if (message.len > SASL_MESSAGE_MAX)
		r = SASL_LONG;
	else
		r = feed(s, message.s, message.len);
	if (message.s)
		explicit_bzero(message.s, message.a);
	stralloc_free(&message);
	return r;
}

void
sasl_end(struct sasl *s)
{
	explicit_bzero(s, sizeof *s);
}

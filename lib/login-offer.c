/* Settings: sasl-mechanisms (names; only these are offered), sasl-scram (the accounts in etc/users
 * have SCRAM keys), sasl-oauth-checker (a program and its arguments), sasl-oauth-scope,
 * sasl-oauth-discovery (for the client whose token is refused), checkpassword-authorized (the
 * checkpassword program knows AUTHORIZED=1; auth-file does), scram-iterations; and whether there is
 * a table etc/certificates. */
#include "lib/login-offer.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <skalibs/strerr.h>

#include "lib/conf.h"
#include "lib/sa.h"
#include "lib/sasl.h"

#define BIT(m) (1u << (m))
#define SCRAM (BIT(SASL_SCRAM_SHA_256) | BIT(SASL_SCRAM_SHA_1))
#define OAUTH (BIT(SASL_OAUTHBEARER) | BIT(SASL_XOAUTH2))
#define PASSWORDS (BIT(SASL_PLAIN) | BIT(SASL_LOGIN))

/* Without passwords only a program can open an account that takes our word for who it is. */
static int
takes_our_word(char const *program)
{
	char const *slash = strrchr(program, '/');
	int is_ours = !strcmp(slash ? slash + 1 : program, "auth-file");
	return conf_flag("checkpassword-authorized", is_ours);
}

static void
read_checker(struct login_offer *o)
{
	size_t n = 0;
	char const *line = conf_string("sasl-oauth-checker", 0);
	if (!line)
		return;
	char *words = xstrdup(line);
	for (char *word = strtok(words, " \t"); word; word = strtok(0, " \t")) {
		if (n == LOGIN_CHECKER_WORDS)
			strerr_dief1x(100, "etc/sasl-oauth-checker: too many words");
		o->checker[n++] = word;
	}
}

/* "NAME":"VALUE", as JSON (RFC 8259 7). */
static void
add_member(stralloc *json, char const *name, char const *value)
{
	if (!value)
		return;
	sa_catf(json, ",\"%s\":\"", name);
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			sa_append(json, '\\');
		sa_append(json, *value == '\t' ? ' ' : *value);
	}
	sa_append(json, '"');
}

/* Behind "status" (lib/sasl.h): RFC 7628 3.2.2; "schemes" is Google's. */
static void
make_error(struct login_offer *o)
{
	stralloc json = STRALLOC_ZERO;
	sa_cats(&json, ",\"schemes\":\"bearer\"");
	add_member(&json, "scope", conf_string("sasl-oauth-scope", 0));
	add_member(&json, "openid-configuration", conf_string("sasl-oauth-discovery", 0));
	if (json.len > SASL_OAUTH_ERROR_MAX)
		strerr_dief1x(100, "etc/sasl-oauth-scope and sasl-oauth-discovery are too long");
	o->oauth_error = sa_str(&json);
}

/* The names in etc/sasl-mechanisms, or all. */
static unsigned int
listed(void)
{
	unsigned int bits = 0;
	char const *s = conf_string("sasl-mechanisms", 0);
	if (!s)
		return ~0u;
	for (size_t n; s += strspn(s, " \t"), *s; s += n) {
		n = strcspn(s, " \t");
		enum sasl_mech m = sasl_find(s, n);
		if (m == SASL_MECHANISMS)
			strerr_dief2x(100, "etc/sasl-mechanisms: no such mechanism: ", s);
		bits |= BIT(m);
	}
	return bits;
}

static int
has_certificates(void)
{
	char *path = conf_path("etc/certificates");
	int const found = !access(path, F_OK);
	free(path);
	return found;
}

void
login_offer_read(struct login_offer *o, char const *checkpassword)
{
	*o = (struct login_offer){.oauth_error = ""};
	if (!checkpassword)
		return;
	o->mechanisms = PASSWORDS;
	if (takes_our_word(checkpassword)) {
		o->mechanisms |= conf_flag("sasl-scram", 0) ? SCRAM : 0;
		o->mechanisms |= has_certificates() ? BIT(SASL_EXTERNAL) : 0;
		read_checker(o);
		if (o->checker[0]) {
			o->mechanisms |= OAUTH;
			make_error(o);
		}
	}
	o->mechanisms &= listed();
	if (o->mechanisms & SCRAM)
		o->iterations = (unsigned int)conf_uint(
		    "scram-iterations", SCRAM_ITERATIONS, 4096, SCRAM_ITERATIONS_MAX);
}

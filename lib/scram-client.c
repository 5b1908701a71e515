#include "lib/scram-client.h"

#include <stdlib.h>
#include <string.h>

#include <skalibs/random.h>
#include <skalibs/types.h>

#include "lib/base64.h"
#include "lib/sa.h"
#include "lib/saslprep.h"
#include "lib/secret.h"

#define NO_BINDING "n,," /* GS2 header: the client knows no channel binding */
#define NO_BINDING_BASE64 "biws"

/* A saslname (RFC 5802 5.1). */
static void
put_name(stralloc *out, char const *login)
{
	stralloc name = STRALLOC_ZERO;
	if (saslprep(&name, login) < 0)
		sa_copys(&name, login);
	for (size_t i = 0; i < name.len; i++)
		if (name.s[i] == '=')
			sa_cats(out, "=3D");
		else if (name.s[i] == ',')
			sa_cats(out, "=2C");
		else
			sa_append(out, name.s[i]);
	stralloc_free(&name);
}

void
scram_client_first(
    struct scram_client *c, enum hash h, char const *login, char const *nonce, stralloc *out)
{
	unsigned char random[SCRAM_CLIENT_NONCE / 4 * 3];
	stralloc text = STRALLOC_ZERO;
	memset(c, 0, sizeof *c);
	c->hash = h;
	if (!nonce) {
		random_buf((char *)random, sizeof random);
		base64_encode(&text, (char *)random, sizeof random);
		nonce = sa_str(&text);
	}
	strncpy(c->nonce, nonce, SCRAM_CLIENT_NONCE);
	stralloc_free(&text);
	sa_cats(&c->auth_message, "n=");
	put_name(&c->auth_message, login);
	sa_catf(&c->auth_message, ",r=%s", c->nonce);
	sa_cats(out, NO_BINDING);
	sa_catb(out, c->auth_message.s, c->auth_message.len);
}

/* The attribute `name` at *s, which it is moved behind. Its value's length, or -1. */
static ssize_t
attribute(char const **s, char const *end, char name, char const **value)
{
	if (end - *s < 3 || (*s)[0] != name || (*s)[1] != '=')
		return -1;
	*value = *s + 2;
	char const *comma = memchr(*value, ',', (size_t)(end - *value));
	*s = comma ? comma + 1 : end;
	return (comma ? comma : end) - *value;
}

/* r=, s= and i= in this order; an extension that must be understood ("m=") is none of them. */
static char const *
parse_first(struct scram_client const *c, char const *s, size_t len, struct scram_keys *k)
{
	static char const syntax[] = "the server's SCRAM message is malformed";
	char const *end = s + len, *value;
	size_t own = strlen(c->nonce);
	stralloc salt = STRALLOC_ZERO;
	char number[12];
	ssize_t n = attribute(&s, end, 'r', &value);
	if (n < 0)
		return syntax;
	if ((size_t)n <= own || memcmp(value, c->nonce, own))
		return "the server's SCRAM nonce is not made of ours";
	n = attribute(&s, end, 's', &value);
	int bad = n < 0 || base64_decode(&salt, value, (size_t)n) < 0 || !salt.len ||
		  salt.len > SCRAM_SALT_MAX;
	if (!bad) {
		k->salt_len = (uint32_t)salt.len;
		memcpy(k->salt, salt.s, salt.len);
	}
	stralloc_free(&salt);
	n = attribute(&s, end, 'i', &value);
	if (bad || n <= 0 || (size_t)n >= sizeof number)
		return syntax;
	memcpy(number, value, (size_t)n);
	number[n] = 0;
	if (!uint320_scan(number, &k->iterations))
		return syntax;
	if (k->iterations < SCRAM_CLIENT_ITERATIONS_MIN ||
	    k->iterations > SCRAM_CLIENT_ITERATIONS_MAX)
		return "the server wants too few SCRAM iterations, or too many";
	return 0;
}

int
scram_client_final(struct scram_client *c, char const *server, size_t len, char const *password,
    stralloc *out, char const **why)
{
	struct scram_keys k = {.hash = c->hash};
	unsigned char client[HASH_MAX], proof[HASH_MAX];
	size_t n = hash_len(c->hash), begin = out->len;
	*why = parse_first(c, server, len, &k);
	if (*why)
		return -1;
	char const *comma = memchr(server, ',', len);
	sa_cats(out, "c=" NO_BINDING_BASE64 ",");
	sa_catb(out, server, (size_t)(comma - server));
	sa_append(&c->auth_message, ',');
	sa_catb(&c->auth_message, server, len);
	sa_append(&c->auth_message, ',');
	sa_catb(&c->auth_message, out->s + begin, out->len - begin);
	scram_make_client(&k, c->hash, password, client);
	hmac_of(c->hash, k.stored, n, c->auth_message.s, c->auth_message.len, proof);
	for (size_t i = 0; i < n; i++)
		proof[i] ^= client[i];
	hmac_of(c->hash, k.server, n, c->auth_message.s, c->auth_message.len, c->signature);
	sa_cats(out, ",p=");
	base64_encode(out, (char *)proof, n);
	explicit_bzero(&k, sizeof k);
	explicit_bzero(client, sizeof client);
	return 0;
}

int
scram_client_verify(struct scram_client const *c, char const *server, size_t len)
{
	stralloc got = STRALLOC_ZERO;
	char const *end = server + len, *value;
	ssize_t n = attribute(&server, end, 'v', &value);
	int same = n >= 0 && !base64_decode(&got, value, (size_t)n) &&
		   got.len == hash_len(c->hash) && secret_same(got.s, c->signature, got.len);
	stralloc_free(&got);
	return same;
}

void
scram_client_end(struct scram_client *c)
{
	stralloc_free(&c->auth_message);
	explicit_bzero(c, sizeof *c);
}

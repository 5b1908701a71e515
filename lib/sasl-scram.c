/* SCRAM (RFC 5802, RFC 7677), the messages. The keys are elsewhere: here is only what a stranger
 * may say and what he may be told. No -PLUS: channel binding is not offered. */
#include <string.h>

#include <skalibs/types.h>

#include "lib/base64.h"
#include "lib/sa.h"
#include "lib/sasl.h"

static enum hash
hash_of_mechanism(struct sasl const *s)
{
	enum hash h = HASH_SHA256;
	scram_hash(s->name, strlen(s->name), &h);
	return h;
}

/* The next "X=value", up to a comma or the end, and past the comma: 1, or 0 if X is another. */
static int
take(char const **s, char const *end, char name, char const **value, size_t *len)
{
	if (end - *s < 2 || **s != name || (*s)[1] != '=')
		return 0;
	*value = *s + 2;
	char const *comma = memchr(*value, ',', (size_t)(end - *value));
	*len = (size_t)((comma ? comma : end) - *value);
	*s = comma ? comma + 1 : end;
	return 1;
}

/* RFC 5802 5.1: printable, without a comma. */
static int
is_nonce(char const *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (s[i] <= ' ' || s[i] > '~')
			return 0;
	return n > 0;
}

static int
add(struct sasl *s, char const *text, size_t n)
{
	if (n > sizeof s->scram.auth_message - s->scram.len)
		return 0;
	memcpy(s->scram.auth_message + s->scram.len, text, n);
	s->scram.len += n;
	return 1;
}

/* gs2-header (RFC 5802 7): "n" the client knows no binding, "y" it does and sees that we do not
 * offer it; "p" would be a binding that we have not offered. *bare: what follows. */
static enum sasl_status
read_header(struct sasl *s, char const *message, char const *end, char const **bare,
    char authzid[static SASL_LOGIN_MAX + 1])
{
	if (end - message < 3 || (*message != 'n' && *message != 'y') || message[1] != ',')
		return SASL_SYNTAX;
	char const *name = message + 2, *comma = memchr(name, ',', (size_t)(end - name));
	if (!comma)
		return SASL_SYNTAX;
	s->scram.binding_len = (size_t)(comma + 1 - message);
	memcpy(s->scram.binding, message, s->scram.binding_len);
	*bare = comma + 1;
	*authzid = 0;
	if (name == comma)
		return SASL_DONE;
	if (comma - name < 3 || memcmp(name, "a=", 2))
		return SASL_SYNTAX;
	return sasl_gs2_name(name + 2, (size_t)(comma - name - 2), authzid, SASL_LOGIN_MAX);
}

/* server-first-message */
static enum sasl_status
challenge(struct sasl *s, char const *nonce, size_t nonce_len, stralloc *out)
{
	struct sasl_keys k;
	if (s->server->keys(s->server->arg, s->login, hash_of_mechanism(s), &k) < 0)
		return SASL_FAILED;
	sa_copys(out, "r=");
	sa_catb(out, nonce, nonce_len);
	sa_cats(out, k.nonce);
	sa_cats(out, ",s=");
	base64_encode(out, (char const *)k.salt, k.salt_len);
	sa_cats(out, ",i=");
	sa_catnum(out, k.iterations);
	s->scram.nonce = s->scram.len + 3;
	s->scram.nonce_len = nonce_len + strlen(k.nonce);
	return add(s, ",", 1) && add(s, out->s, out->len) && add(s, ",", 1) ? SASL_CONTINUE
									    : SASL_LONG;
}

/* client-first-message. A mandatory extension ("m=", RFC 5802 5.1) is one that we do not know. */
static enum sasl_status
first(struct sasl *s, char const *message, size_t len, stralloc *out)
{
	char authzid[SASL_LOGIN_MAX + 1];
	char const *end = message + len, *bare, *p, *name, *nonce;
	size_t name_len, nonce_len;
	enum sasl_status r = read_header(s, message, end, &bare, authzid);
	if (r != SASL_DONE)
		return r;
	p = bare;
	if (!take(&p, end, 'n', &name, &name_len) || !take(&p, end, 'r', &nonce, &nonce_len) ||
	    !name_len || !is_nonce(nonce, nonce_len) || memchr(message, 0, len))
		return SASL_SYNTAX;
	if (nonce_len > SASL_SCRAM_NONCE_MAX)
		return SASL_LONG;
	r = sasl_gs2_name(name, name_len, s->login, SASL_LOGIN_MAX);
	if (r != SASL_DONE)
		return r;
	if (*authzid && strcmp(authzid, s->login))
		return SASL_AUTHZID;
	return add(s, bare, (size_t)(end - bare)) ? challenge(s, nonce, nonce_len, out) : SASL_LONG;
}

/* value is base64 of want[0..n). */
static int
is_base64(char const *value, size_t len, void const *want, size_t n)
{
	stralloc sa = STRALLOC_ZERO;
	int same = !base64_decode(&sa, value, len) && sa.len == n && !memcmp(sa.s, want, n);
	stralloc_free(&sa);
	return same;
}

/* The proof behind the optional extensions, which ends the message: where ",p=" begins, or null. */
static char const *
take_proof(char const *p, char const *end, unsigned char proof[static HASH_MAX], size_t n)
{
	stralloc sa = STRALLOC_ZERO;
	char const *start, *value;
	size_t len;
	for (start = p; p < end && *p != 'p'; start = p) {
		char const *comma = memchr(p, ',', (size_t)(end - p));
		p = comma ? comma + 1 : end;
	}
	int ok = take(&p, end, 'p', &value, &len) && p == end && len == BASE64_LEN(n) &&
		 !base64_decode(&sa, value, len) && sa.len == n;
	if (ok)
		memcpy(proof, sa.s, n);
	stralloc_free(&sa);
	return ok ? start - 1 : 0;
}

/* client-final-message: binding and nonces as they were, and the proof. */
static enum sasl_status
final(struct sasl *s, char const *message, size_t len, stralloc *out)
{
	unsigned char proof[HASH_MAX] = {0};
	char const *end = message + len, *p = message, *binding, *nonce, *comma;
	size_t binding_len, nonce_len, n = hash_len(hash_of_mechanism(s));
	if (!take(&p, end, 'c', &binding, &binding_len) ||
	    !is_base64(binding, binding_len, s->scram.binding, s->scram.binding_len) ||
	    !take(&p, end, 'r', &nonce, &nonce_len) || nonce_len != s->scram.nonce_len ||
	    memcmp(nonce, s->scram.auth_message + s->scram.nonce, nonce_len))
		return SASL_SYNTAX;
	comma = take_proof(p, end, proof, n);
	if (!comma)
		return SASL_SYNTAX;
	if (!add(s, message, (size_t)(comma - message)))
		return SASL_LONG;
	if (s->server->prove(
		s->server->arg, s->scram.auth_message, s->scram.len, proof, s->scram.signature) < 0)
		return SASL_FAILED;
	sa_copys(out, "v=");
	base64_encode(out, (char const *)s->scram.signature, n);
	s->last = 1;
	return SASL_CONTINUE;
}

enum sasl_status
sasl_scram(struct sasl *s, char const *message, size_t len, stralloc *out)
{
	if (len > SASL_SCRAM_MAX)
		return SASL_LONG;
	switch (s->step) {
	case 0:
		return first(s, message, len, out);
	case 1:
		return final(s, message, len, out);
	default: /* the client has seen our signature and has nothing to add */
		return len ? SASL_SYNTAX : SASL_DONE;
	}
}

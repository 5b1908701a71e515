/* SASL: the first octet chooses the mechanism, lines are the client's messages in clear or, if its
 * high bit is set, as they come on the wire. A done exchange has strings that end, and nothing but
 * the right proof is one. Keys in a users file are read too. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base64.h"
#include "lib/sa.h"
#include "lib/sasl.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static int
give_keys(void *arg, char const *login, enum hash h, struct sasl_keys *k)
{
	(void)arg, (void)h;
	*k = (struct sasl_keys){.nonce = "0123", .iterations = 1, .salt_len = 4};
	return *login == '!' ? -1 : 0;
}

static int
judge(void *arg, char const *message, size_t len, unsigned char const proof[static HASH_MAX],
    unsigned char signature[static HASH_MAX])
{
	(void)arg;
	if (len > SASL_AUTH_MESSAGE_MAX || !memmem(message, len, "0123", 4))
		abort();
	memcpy(signature, proof, HASH_MAX);
	return proof[0] & 1 ? -1 : 0;
}

/* The next line, as a message of its own. */
static enum sasl_status
step(struct sasl *s, int raw, char const *line, size_t n)
{
	stralloc sa = STRALLOC_ZERO;
	if (raw)
		sa_catb(&sa, line, n);
	else
		base64_encode(&sa, line, n);
	enum sasl_status r = sasl_step(s, sa.s, sa.len);
	stralloc_free(&sa);
	return r;
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	static struct sasl s;
	static struct sasl_server const server = {
	    .offered = ~0u, .keys = give_keys, .prove = judge, .oauth_error = ""};
	struct scram_keys keys;
	char const *p = (char const *)data + 1, *end = (char const *)data + size;
	if (!size)
		return 0;
	scram_scan(&keys, data[0] & 1, p, size - 1);
	char const *name = sasl_name((enum sasl_mech)((data[0] & 0x7f) % SASL_MECHANISMS));
	enum sasl_status r = sasl_start(&s, &server, name, strlen(name), 0, 0);
	while (r == SASL_CONTINUE && p < end) {
		char const *lf = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((lf ? lf : end) - p);
		if (strlen(s.challenge) > SASL_CHALLENGE_MAX)
			abort();
		r = step(&s, data[0] & 0x80, p, n);
		p = lf ? lf + 1 : end;
	}
	if (r == SASL_DONE &&
	    (strlen(s.login) > SASL_LOGIN_MAX || strlen(s.secret) > SASL_MESSAGE_MAX))
		abort();
	if (r == SASL_DONE)
		sasl_refused(&s);
	sasl_end(&s);
	return 0;
}

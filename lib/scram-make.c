#include "lib/scram.h"

#include <string.h>
#include <sys/random.h>

#include "lib/sa.h"
#include "lib/saslprep.h"
#include "lib/secret.h"

void
scram_make_client(
    struct scram_keys *k, enum hash h, char const *password, unsigned char client[static HASH_MAX])
{
	unsigned char salted[HASH_MAX];
	stralloc prepared = STRALLOC_ZERO;
	size_t n = hash_len(h);
	k->hash = h;
	if (saslprep(&prepared, password) < 0)
		sa_copys(&prepared, password);
	pbkdf2(h, prepared.s, prepared.len, k->salt, k->salt_len, k->iterations, salted);
	hmac_of(h, salted, n, "Client Key", 10, client);
	hash_of(h, client, n, k->stored);
	hmac_of(h, salted, n, "Server Key", 10, k->server);
	explicit_bzero(salted, sizeof salted);
	explicit_bzero(prepared.s, prepared.a);
	stralloc_free(&prepared);
}

void
scram_make(struct scram_keys *k, enum hash h, char const *password)
{
	unsigned char client[HASH_MAX];
	scram_make_client(k, h, password, client);
	explicit_bzero(client, sizeof client);
}

int
scram_salt(struct scram_keys *k)
{
	k->salt_len = SCRAM_SALT;
	return getrandom(k->salt, SCRAM_SALT, 0) == SCRAM_SALT ? 0 : -1;
}

int
scram_is_password(struct scram_keys const *k, char const *password)
{
	struct scram_keys made = *k;
	scram_make(&made, k->hash, password);
	int same = secret_same(made.stored, k->stored, hash_len(k->hash));
	explicit_bzero(&made, sizeof made);
	return same;
}

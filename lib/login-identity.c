#include "lib/login-parent.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "lib/account.h"
#include "lib/ascii.h"
#include "lib/base64.h"
#include "lib/log.h"
#include "lib/login-state.h"
#include "lib/lookup.h"
#include "lib/sa.h"
#include "lib/table.h"

/* ---- SCRAM ---- */

/* An account's keys: its extra field, or a password of that scheme. */
static int
read_keys(struct account const *a, enum hash h, struct scram_keys *k)
{
	char const *s = a->scram[h], *name = scram_name(h);
	size_t n = strlen(name);
	if (!s && a->password && *a->password == '{' && strlen(a->password) > n + 2 &&
	    ascii_ieq(a->password + 1, n, name) && a->password[n + 1] == '}')
		s = a->password + n + 2;
	return s && !scram_scan(k, h, s, strlen(s));
}

/* 1, 0 there are none, -1 they cannot be read. */
static int
find_keys(char const *login, enum hash h, struct scram_keys *k)
{
	struct arena arena = ARENA_ZERO;
	struct account a;
	int r = *login ? account_login(&arena, login, &a) : 0;
	lookup_close(); /* what lives as long as a session needs it no more */
	if (r < 0)
		login_parent_error("no-keys", errno);
	if (r == 1) {
		if (!read_keys(&a, h, k)) {
			log_2("no-keys", "user", login, "mech", scram_name(h));
			r = 0;
		}
		account_wipe(&a);
	}
	arena_free(&arena);
	return r;
}

/* The account's key, or the login where there can be none. */
static void
login_key(char key[static LOGIN_NAME_MAX + 1], char const *login)
{
	stralloc sa = STRALLOC_ZERO;
	int const ok = !account_key(&sa, login) && sa.len <= LOGIN_NAME_MAX;
	snprintf(key, LOGIN_NAME_MAX + 1, "%s", ok ? sa_str(&sa) : login);
	stralloc_free(&sa);
}

static int
new_nonce(char nonce[static SCRAM_NONCE + 1])
{
	char random[SCRAM_NONCE / 4 * 3];
	stralloc sa = STRALLOC_ZERO;
	if (getrandom(random, sizeof random, 0) != sizeof random)
		return -1;
	base64_encode(&sa, random, sizeof random);
	memcpy(nonce, sa_str(&sa), SCRAM_NONCE + 1);
	stralloc_free(&sa);
	return 0;
}

/* What a stranger is told: of an account that does not exist the same each time. */
enum login_verdict
login_scram_keys(struct login_parent *p, struct login_request const *r, struct sasl_keys *out)
{
	struct login_scram *s = &p->scram;
	unsigned char secret[HASH_MAX];
	enum hash h;
	explicit_bzero(s, sizeof *s);
	if (!scram_hash(r->mechanism, strlen(r->mechanism), &h) ||
	    !(p->offer.mechanisms & 1u << sasl_find(r->mechanism, strlen(r->mechanism))))
		return LOGIN_TEMPFAIL;
	login_key(s->login, r->login);
	s->known = find_keys(s->login, h, &s->keys);
	if (s->known < 0 || login_state_secret(secret) < 0 || new_nonce(s->nonce) < 0)
		return LOGIN_TEMPFAIL;
	if (!s->known)
		scram_nobody(&s->keys, h, secret, s->login, p->offer.iterations);
	*out = (struct sasl_keys){.iterations = s->keys.iterations, .salt_len = s->keys.salt_len};
	memcpy(out->nonce, s->nonce, sizeof out->nonce);
	memcpy(out->salt, s->keys.salt, sizeof out->salt);
	explicit_bzero(secret, sizeof secret);
	return LOGIN_OK;
}

/* The AuthMessage is the child's, who may have it from anywhere; that our fresh nonce is in it
 * shows that the client has made its proof just now. A nonce serves once. */
enum login_verdict
login_scram_proof(struct login_parent *p, struct login_request *r, char const *data,
    unsigned char signature[static HASH_MAX])
{
	struct login_scram *s = &p->scram;
	char const *message = data + HASH_MAX;
	if (r->data_len < HASH_MAX || !s->nonce[0])
		return LOGIN_TEMPFAIL;
	memcpy(r->login, s->login, sizeof r->login);
	size_t len = r->data_len - HASH_MAX;
	int fresh = memmem(message, len, s->nonce, SCRAM_NONCE) != 0;
	int right = scram_prove(&s->keys, message, len, (unsigned char const *)data, signature);
	int ok = fresh && right && s->known;
	if (ok)
		memcpy(s->proved, s->login, sizeof s->proved);
	explicit_bzero(&s->keys, sizeof s->keys);
	explicit_bzero(s->nonce, sizeof s->nonce);
	return ok ? LOGIN_OK : LOGIN_REFUSED;
}

enum login_verdict
login_scram_proved(struct login_parent *p, struct login_request *r)
{
	char key[LOGIN_NAME_MAX + 1];
	login_key(key, r->login);
	int ok = *p->scram.proved && !strcmp(p->scram.proved, key);
	if (ok) /* what was proved is opened, not what the child spells like it */
		memcpy(r->login, p->scram.proved, sizeof r->login);
	explicit_bzero(&p->scram, sizeof p->scram);
	return ok ? LOGIN_OK : LOGIN_REFUSED;
}

/* ---- EXTERNAL ---- */

/* The account's name is one of a list; without a wish the first. 1 and the name in login, or 0. */
static int
choose(char login[static LOGIN_NAME_MAX + 1], char const *list)
{
	for (size_t n; *list; list += n) {
		list += strspn(list, ", \t");
		n = strcspn(list, ", \t");
		if (!n || n > LOGIN_NAME_MAX)
			continue;
		if (*login && !ascii_ieq(list, n, login))
			continue;
		memcpy(login, list, n);
		login[n] = 0;
		return 1;
	}
	return 0;
}

/* Of the connection's certificate the hash counts (64 hex digits, SHA-256), then the subject. */
enum login_verdict
login_certificate(struct login_request *r)
{
	static char const prefix[] = "SHA256:";
	char const *hash = getenv("SSL_PEER_CERT_HASH"), *subject = getenv("SSL_PEER_CERT_SUBJECT");
	stralloc list = STRALLOC_ZERO;
	if (!hash || strncmp(hash, prefix, sizeof prefix - 1))
		return LOGIN_REFUSED;
	hash += sizeof prefix - 1;
	int found = table_find("certificates", hash, strlen(hash), &list);
	if (!found && subject)
		found = table_find("certificates", subject, strlen(subject), &list);
	if (found < 0)
		login_parent_error("no-certificates", errno);
	int ok = found == 1 && choose(r->login, list.s);
	log_event("certificate");
	log_str("hash", hash);
	log_str("subject", subject ? subject : "");
	log_str("user", ok ? r->login : "");
	log_send();
	stralloc_free(&list);
	return ok ? LOGIN_OK : found < 0 ? LOGIN_TEMPFAIL : LOGIN_REFUSED;
}

#include "bin/tls-tickets.h"

#include <errno.h>
#include <string.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <skalibs/types.h>

#include "lib/log.h"
#include "lib/sa.h"
#include "lib/skalibs-compat.h"

#define FILE_MAX 16384
/* Clocks of hosts that share a file may differ so much. */
#define CLOCK_SLACK 300

/* The key's bytes as the file has them. */
enum { NAME_LEN = 16, AES_LEN = 32, MAC_LEN = 32, KEY_LEN = NAME_LEN + AES_LEN + MAC_LEN };

void
tls_tickets_init(struct tls_tickets *t, char const *path, int make_own)
{
	*t = (struct tls_tickets){.make_own = make_own};
	t->file.path = path ? xstrdup(path) : 0;
	t->cipher = EVP_CIPHER_fetch(0, "AES-256-CBC", 0);
	if (!t->cipher)
		sa_nomem();
}

static int
is_alive(time_t born, time_t now)
{
	return born <= now + CLOCK_SLACK && now - born < TLS_TICKET_KEY_SECONDS;
}

static int
hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "SECONDS HEX" without its newline; 0 if it is no such line. */
static int
parse_line(char const *s, size_t len, struct tls_ticket_key *k)
{
	unsigned char b[KEY_LEN];
	uint64_t born;
	size_t n = uint64_scan(s, &born); /* ends at the blank at the latest */
	if (!n || n >= len || s[n] != ' ' || len - n - 1 != 2 * KEY_LEN || born > INT64_MAX)
		return 0;
	s += n + 1;
	for (size_t i = 0; i < KEY_LEN; i++) {
		int high = hex_digit(s[2 * i]), low = hex_digit(s[2 * i + 1]);
		if (high < 0 || low < 0)
			return 0;
		b[i] = (unsigned char)(high << 4 | low);
	}
	memcpy(k->name, b, NAME_LEN);
	memcpy(k->aes, b + NAME_LEN, AES_LEN);
	memcpy(k->mac, b + NAME_LEN + AES_LEN, MAC_LEN);
	k->born = (time_t)born;
	OPENSSL_cleanse(b, sizeof b);
	return 1;
}

/* Puts k in its place by age; the oldest falls off a full list. */
static size_t
insert(struct tls_ticket_key *keys, size_t count, struct tls_ticket_key const *k)
{
	size_t i = 0;
	while (i < count && keys[i].born >= k->born)
		i++;
	if (i == TLS_TICKET_KEYS)
		return count;
	if (count == TLS_TICKET_KEYS)
		count--;
	memmove(keys + i + 1, keys + i, (count - i) * sizeof *keys);
	keys[i] = *k;
	return count + 1;
}

int
tls_tickets_parse(
    char const *text, size_t len, time_t now, struct tls_ticket_key keys[static TLS_TICKET_KEYS])
{
	size_t count = 0;
	struct tls_ticket_key k;
	for (size_t i = 0; i < len;) {
		char const *lf = memchr(text + i, '\n', len - i);
		if (!lf || !parse_line(text + i, (size_t)(lf - text) - i, &k))
			return -1;
		if (is_alive(k.born, now))
			count = insert(keys, count, &k);
		i = (size_t)(lf - text) + 1;
	}
	OPENSSL_cleanse(&k, sizeof k);
	return (int)count;
}

/* The file's keys take the place of what is there; a bad file leaves it (until it is a day old). */
static int
read_file(struct tls_tickets *t, time_t now)
{
	char text[FILE_MAX];
	struct tls_ticket_key keys[TLS_TICKET_KEYS];
	char const *error = 0;
	int n = 0;
	ssize_t len = openreadnclose(t->file.path, text, sizeof text);
	if (len < 0)
		error = strerror(errno);
	else if (t->file.seen.st_mode & 07)
		error = "others may read or write it";
	else if (len == sizeof text)
		error = "too long";
	else if ((n = tls_tickets_parse(text, (size_t)len, now, keys)) <= 0)
		error = n < 0 ? "bad line" : "no key younger than a day";
	if (error) {
		log_2("ticket-file", "file", t->file.path, "error", error);
	} else {
		memcpy(t->key, keys, sizeof keys);
		t->count = (size_t)n;
		t->from_file = 1;
	}
	OPENSSL_cleanse(text, sizeof text);
	OPENSSL_cleanse(keys, sizeof keys);
	return !error;
}

static int
drop_old(struct tls_tickets *t, time_t now)
{
	size_t const before = t->count;
	while (t->count && !is_alive(t->key[t->count - 1].born, now))
		OPENSSL_cleanse(&t->key[--t->count], sizeof *t->key);
	return t->count < before;
}

static int
make_key(struct tls_tickets *t, time_t now)
{
	struct tls_ticket_key k = {.born = now};
	if (RAND_bytes(k.name, sizeof k.name) <= 0 || RAND_priv_bytes(k.aes, sizeof k.aes) <= 0 ||
	    RAND_priv_bytes(k.mac, sizeof k.mac) <= 0)
		return 0;
	t->count = insert(t->key, t->count, &k);
	OPENSSL_cleanse(&k, sizeof k);
	return 1;
}

int
tls_tickets_refresh(struct tls_tickets *t, time_t now)
{
	int changed = 0;
	if (t->file.path && tls_file_changed(&t->file) && tls_file_exists(&t->file))
		changed |= read_file(t, now);
	changed |= drop_old(t, now);
	if (!t->count)
		t->from_file = 0;
	if (t->make_own && !t->from_file &&
	    (!t->count || now - t->key[0].born >= TLS_TICKET_ROTATE_SECONDS))
		changed |= make_key(t, now);
	return changed;
}

/* OpenSSL's callback: 1 done, 0 no such key (a full handshake follows), -1 error; 2 done, and the
 * client gets a ticket by the newest key. */
static int
key_callback(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
    EVP_MAC_CTX *mac, int encrypt)
{
	struct tls_tickets *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	size_t i = 0;
	if (!t || !t->count)
		return encrypt ? -1 : 0;
	if (encrypt) {
		memcpy(name, t->key[0].name, NAME_LEN);
		if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(t->cipher)) <= 0)
			return -1;
	} else {
		while (i < t->count && memcmp(name, t->key[i].name, NAME_LEN) != 0)
			i++;
		if (i == t->count)
			return 0;
	}
	struct tls_ticket_key *k = t->key + i;
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, k->mac, sizeof k->mac),
	    OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
	    OSSL_PARAM_construct_end()};
	if (!EVP_MAC_CTX_set_params(mac, params) ||
	    !EVP_CipherInit_ex(cipher, t->cipher, 0, k->aes, iv, encrypt))
		return -1;
	/* RFC 8446 C.4: a client uses a ticket once, so it needs another one each time. */
	return i || (!encrypt && SSL_version(ssl) >= TLS1_3_VERSION) ? 2 : 1;
}

void
tls_tickets_use(struct tls_tickets *t, SSL_CTX *ctx)
{
	/* Tickets only: a cache would be one process's. */
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_timeout(ctx, TLS_TICKET_SECONDS);
	/* One a connection, full or resumed, is one for the next connection. */
	SSL_CTX_set_num_tickets(ctx, 1);
	SSL_CTX_set_app_data(ctx, t);
	SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, key_callback);
}

void
tls_tickets_forget(struct tls_tickets *t)
{
	OPENSSL_cleanse(t->key, sizeof t->key);
	t->count = 0;
}

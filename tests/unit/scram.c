/* Digests, keyed digests, SCRAM's keys and SASLprep against the RFCs' own vectors. */
// libs: -lunistring
#include <stdlib.h>

#include "lib/base64.h"
#include "lib/sa.h"
#include "lib/saslprep.h"
#include "lib/scram-client.h"
#include "lib/scram.h"
#include "lib/secret.h"
#include "tests/unit/tap.h"

static void
tap_hex(char const *name, unsigned char const *got, size_t n, char const *want)
{
	char hex[2 * HASH_MAX + 1];
	for (size_t i = 0; i < n; i++)
		sprintf(hex + 2 * i, "%02x", got[i]);
	hex[2 * n] = 0;
	tap_str(name, hex, want);
}

/* clang-format off */
/* RFC 2202 3 (SHA-1), RFC 4231 4 (SHA-256). */
static struct {
	enum hash h;
	char const *key;
	int key_repeat; /* that octet, so often */
	char const *data, *want;
} const hmacs[] = {
	{HASH_SHA1, "\x0b", 20, "Hi There", "b617318655057264e28bc0b6fb378c8ef146be00"},
	{HASH_SHA1, "Jefe", 0, "what do ya want for nothing?", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
	{HASH_SHA1, "\xaa", 80, "Test Using Larger Than Block-Size Key - Hash Key First", "aa4ae5e15272d00e95705637ce8a3b55ed402112"},
	{HASH_SHA256, "\x0b", 20, "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
	{HASH_SHA256, "Jefe", 0, "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
	{HASH_SHA256, "\xaa", 131, "Test Using Larger Than Block-Size Key - Hash Key First", "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
};
/* RFC 6070 2; RFC 7914 11 has the first one with SHA-256 (its first 32 octets). */
static struct {
	enum hash h;
	char const *password, *salt;
	unsigned int iterations;
	char const *want;
} const derived[] = {
	{HASH_SHA1, "password", "salt", 1, "0c60c80f961f0e71f3a9b524af6012062fe037a6"},
	{HASH_SHA1, "password", "salt", 2, "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957"},
	{HASH_SHA1, "password", "salt", 4096, "4b007901b765489abead49d926f721d065a429c1"},
	{HASH_SHA256, "passwd", "salt", 1, "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"},
	{HASH_SHA256, "Password", "NaCl", 80000, "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56"},
};
/* RFC 4013 3, and what else it says; null: prohibited. */
static struct {
	char const *name, *s, *want;
} const preps[] = {
	{"SOFT HYPHEN mapped to nothing", "I\xc2\xadX", "IX"},
	{"no transformation", "user", "user"},
	{"case preserved", "USER", "USER"},
	{"output is NFKC, input in ISO 8859-1", "\xc2\xaa", "a"},
	{"output is NFKC", "\xe2\x85\xa8", "IX"},
	{"prohibited character", "\x07", 0},
	{"bidirectional check", "\xd8\xa7\x31", 0},
	{"right to left", "\xd8\xa7\x31\xd8\xa7", "\xd8\xa7\x31\xd8\xa7"},
	{"right to left with a letter in it", "\xd8\xa7" "a" "\xd8\xa7", 0},
	{"no-break space", "a\xc2\xa0" "b", "a b"},
	{"ideographic space", "\xe3\x80\x80", " "},
	{"composed", "e\xcc\x81", "\xc3\xa9"},
	{"private use", "\xee\x80\x80", 0},
	{"not a character", "\xef\xbf\xbe", 0},
	{"not UTF-8", "\xff", 0},
	{"nothing", "", ""},
};
/* The keys as a users file has them; 0: wrong in one way each. */
static struct {
	char const *name, *s;
	int ok;
} const forms[] = {
	{"doveadm pw -s SCRAM-SHA-1", "4096,QSXCR+Q6sek8bf92,6dlGYMOdZcOPutkcNY8U2g7vK9Y=,D+CSWLOshSulAsxiupA+qs2/fTE=", 1},
	{"no iterations", "0,QSXCR+Q6sek8bf92,6dlGYMOdZcOPutkcNY8U2g7vK9Y=,D+CSWLOshSulAsxiupA+qs2/fTE=", 0},
	{"too many iterations", "10000001,QSXCR+Q6sek8bf92,6dlGYMOdZcOPutkcNY8U2g7vK9Y=,D+CSWLOshSulAsxiupA+qs2/fTE=", 0},
	{"iterations that are no number", "x,QSXCR+Q6sek8bf92,6dlGYMOdZcOPutkcNY8U2g7vK9Y=,D+CSWLOshSulAsxiupA+qs2/fTE=", 0},
	{"no salt", "4096,,6dlGYMOdZcOPutkcNY8U2g7vK9Y=,D+CSWLOshSulAsxiupA+qs2/fTE=", 0},
	{"a key of another length", "4096,QSXCR+Q6sek8bf92,QSXCR+Q6sek8bf92,D+CSWLOshSulAsxiupA+qs2/fTE=", 0},
	{"one key", "4096,QSXCR+Q6sek8bf92,6dlGYMOdZcOPutkcNY8U2g7vK9Y=", 0},
	{"three keys", "4096,QSXCR+Q6sek8bf92,6dlGYMOdZcOPutkcNY8U2g7vK9Y=,D+CSWLOshSulAsxiupA+qs2/fTE=,AA==", 0},
	{"not base64", "4096,QSXCR+Q6sek8bf92,6dlGYMOdZcOPutkcNY8U2g7vK9Y!,D+CSWLOshSulAsxiupA+qs2/fTE=", 0},
	{"nothing", "", 0},
};
/* clang-format on */

static void
digests(void)
{
	unsigned char key[200], out[HASH_MAX];
	for (size_t i = 0; i < sizeof hmacs / sizeof *hmacs; i++) {
		size_t n = (size_t)hmacs[i].key_repeat;
		memset(key, *hmacs[i].key, sizeof key);
		if (!n) {
			n = strlen(hmacs[i].key);
			memcpy(key, hmacs[i].key, n);
		}
		hmac_of(hmacs[i].h, key, n, hmacs[i].data, strlen(hmacs[i].data), out);
		tap_hex("HMAC", out, hash_len(hmacs[i].h), hmacs[i].want);
	}
	for (size_t i = 0; i < sizeof derived / sizeof *derived; i++) {
		pbkdf2(derived[i].h, derived[i].password, strlen(derived[i].password),
		    derived[i].salt, strlen(derived[i].salt), derived[i].iterations, out);
		tap_hex("PBKDF2", out, hash_len(derived[i].h), derived[i].want);
	}
	tap_ok(secret_same("abc", "abc", 3), "the same");
	tap_ok(!secret_same("abc", "abd", 3), "not the same");
	tap_ok(secret_same_text("abc", "abc"), "texts that are the same");
	tap_ok(!secret_same_text("abc", "ab") && !secret_same_text("abc", "abd"),
	    "texts that are not");
}

/* RFC 5802 5 and RFC 7677 3: user "user", password "pencil". */
static struct {
	enum hash h;
	char const *salt, *message, *proof, *signature;
} const exchanges[] = {
    {HASH_SHA1, "QSXCR+Q6sek8bf92",
	"n=user,r=fyko+d2lbbFgONRv9qkxdawL,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
	"s=QSXCR+Q6sek8bf92,i=4096,c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j",
	"v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", "rmF9pqV8S7suAoZWja4dJRkFsKQ="},
    {HASH_SHA256, "W22ZaJ0SNY7soEsUEjb6gQ==",
	"n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
	"s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,"
	"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
	"dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
	"6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="},
};

static void
scram(void)
{
	for (size_t i = 0; i < sizeof exchanges / sizeof *exchanges; i++) {
		struct scram_keys k = {.iterations = 4096}, again;
		unsigned char proof[HASH_MAX] = {0}, signature[HASH_MAX];
		stralloc sa = STRALLOC_ZERO, text = STRALLOC_ZERO;
		char const *message = exchanges[i].message;
		base64_decode(&sa, exchanges[i].salt, strlen(exchanges[i].salt));
		memcpy(k.salt, sa.s, sa.len);
		k.salt_len = (uint32_t)sa.len;
		scram_make(&k, exchanges[i].h, "pencil");
		sa_reset(&sa);
		base64_decode(&sa, exchanges[i].proof, strlen(exchanges[i].proof));
		memcpy(proof, sa.s, sa.len);
		tap_ok(scram_prove(&k, message, strlen(message), proof, signature), "%s: the proof",
		    scram_name(exchanges[i].h));
		base64_encode(&text, (char *)signature, hash_len(exchanges[i].h));
		tap_str("the server's signature", sa_str(&text), exchanges[i].signature);
		proof[0] ^= 1;
		tap_ok(!scram_prove(&k, message, strlen(message), proof, signature),
		    "not another proof");
		tap_ok(!signature[0] && !memcmp(signature, signature + 1, HASH_MAX - 1),
		    "which tells nothing");
		proof[0] ^= 1;
		tap_ok(!scram_prove(&k, message, strlen(message) - 1, proof, signature),
		    "nor for another message");
		sa_reset(&text);
		scram_format(&text, &k);
		tap_num("scanned again", scram_scan(&again, k.hash, text.s, text.len), 0);
		tap_ok(!memcmp(&k, &again, sizeof k), "the same keys");
		tap_ok(scram_is_password(&k, "pencil"), "the password");
		tap_ok(!scram_is_password(&k, "pencils"), "not the password");
		stralloc_free(&sa);
		stralloc_free(&text);
	}
}

static void
nobody(void)
{
	static unsigned char const secret[HASH_MAX] = "one", other[HASH_MAX] = "two";
	struct scram_keys a, b;
	scram_nobody(&a, HASH_SHA256, secret, "alice", 10000);
	scram_nobody(&b, HASH_SHA256, secret, "alice", 10000);
	tap_ok(!memcmp(&a, &b, sizeof a), "nobody is the same each time");
	tap_num("with a salt as ours", a.salt_len, SCRAM_SALT);
	scram_nobody(&b, HASH_SHA256, secret, "bob", 10000);
	tap_ok(memcmp(a.salt, b.salt, SCRAM_SALT), "another for another name");
	scram_nobody(&b, HASH_SHA256, other, "alice", 10000);
	tap_ok(memcmp(a.salt, b.salt, SCRAM_SALT), "another for another secret");
	scram_nobody(&b, HASH_SHA1, secret, "alice", 10000);
	tap_ok(memcmp(a.salt, b.salt, SCRAM_SALT), "another for another mechanism");
}

/* The client, by the example of RFC 7677 3. */
static void
client(void)
{
	static char const nonce[] = "rOprNGfwEbeRWgbNEkqO";
#define FIRST                                                                                      \
	"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
	static struct {
		char const *server, *want; /* null: refused */
	} const firsts[] = {
	    {FIRST, "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+"
		    "Ute9ytag9zjfMHgsqmmiz7AndVQ="},
	    {FIRST ",x=later", "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p="},
	    {"m=x," FIRST, 0},
	    {"", 0},
	    {"r=", 0},
	    {"r=rOprNGfwEbeRWgbNEkqO,s=YWJj,i=4096", 0},
	    {"r=ROprNGfwEbeRWgbNEkqO%h,s=YWJj,i=4096", 0},
	    {"r=rOprNGfwEbeRWgbNEkqOx", 0},
	    {"r=rOprNGfwEbeRWgbNEkqOx,i=4096", 0},
	    {"r=rOprNGfwEbeRWgbNEkqOx,s=,i=4096", 0},
	    {"r=rOprNGfwEbeRWgbNEkqOx,s=YWJ,i=4096", 0},
	    {"r=rOprNGfwEbeRWgbNEkqOx,s=YWJj", 0},
	    {"r=rOprNGfwEbeRWgbNEkqOx,s=YWJj,i=4095", 0},
	    {"r=rOprNGfwEbeRWgbNEkqOx,s=YWJj,i=2000001", 0},
	    {"r=rOprNGfwEbeRWgbNEkqOx,s=YWJj,i=99999999999999", 0},
	    {"r=rOprNGfwEbeRWgbNEkqOx,s=YWJj,i=-5", 0},
	    {"e=unknown-user", 0},
	};
	struct scram_client c;
	stralloc out = STRALLOC_ZERO;
	for (size_t i = 0; i < sizeof firsts / sizeof *firsts; i++) {
		char const *why = 0;
		sa_reset(&out);
		scram_client_first(&c, HASH_SHA256, "user", nonce, &out);
		if (!i)
			tap_str(
			    "the first message", sa_str(&out), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
		sa_reset(&out);
		int r = scram_client_final(
		    &c, firsts[i].server, strlen(firsts[i].server), "pencil", &out, &why);
		if (firsts[i].want)
			tap_ok(!strncmp(sa_str(&out), firsts[i].want, strlen(firsts[i].want)) && !r,
			    "%s", firsts[i].server);
		else
			tap_ok(r < 0 && why, "%s: %s", firsts[i].server, why ? why : "taken");
		if (!i) {
			static char const v[] = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";
			static char const *const wrong[] = {"", "v=", "e=other-error",
			    "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G8=",
			    "v=6rriTRBi23WpRR/wtup="};
			tap_ok(scram_client_verify(&c, v, sizeof v - 1), "the server's signature");
			for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++)
				tap_ok(!scram_client_verify(&c, wrong[k], strlen(wrong[k])),
				    "not its signature: %s", wrong[k]);
		}
		scram_client_end(&c);
	}
	sa_reset(&out);
	scram_client_first(&c, HASH_SHA256,
	    "a=b,c\xc2\xad"
	    "d",
	    nonce, &out);
	tap_str("a login with = and ,, prepared", sa_str(&out),
	    "n,,n=a=3Db=2Ccd,r=rOprNGfwEbeRWgbNEkqO");
	scram_client_end(&c);
	sa_reset(&out);
	scram_client_first(&c, HASH_SHA256, "user", 0, &out);
	tap_num("a random nonce", (long)strlen(c.nonce), SCRAM_CLIENT_NONCE);
	scram_client_end(&c);
}

int
main(void)
{
	struct scram_keys k;
	stralloc sa = STRALLOC_ZERO;
	digests();
	for (size_t i = 0; i < sizeof preps / sizeof *preps; i++) {
		sa_reset(&sa);
		int r = saslprep(&sa, preps[i].s);
		tap_str(preps[i].name, r < 0 ? 0 : sa_str(&sa),
		    preps[i].want ? preps[i].want : "(null)");
	}
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
		tap_num(forms[i].name, scram_scan(&k, HASH_SHA1, forms[i].s, strlen(forms[i].s)),
		    forms[i].ok ? 0 : -1);
	scram();
	client();
	nobody();
	stralloc_free(&sa);
	return tap_done();
}

/* SASL, line by line: what the client sends, what the server says (RFC 4616, RFC 4422, RFC 5802,
 * RFC 7677, RFC 7628). */
// libs: -lunistring
#include <stdlib.h>

#include "lib/base64.h"
#include "lib/sa.h"
#include "lib/sasl.h"
#include "tests/unit/tap.h"

struct dialog {
	char const *name, *mechanism;
	char const *initial;	  /* base64, or null */
	char const *line[3];	  /* the client's answers, base64 */
	char const *challenge[3]; /* expected before each, base64 */
	enum sasl_status want;
	char const *login, *password;
};

/* clang-format off */
static struct dialog const dialogs[] = {
	{"PLAIN", "PLAIN", 0, {"AHRpbQB0YW5zdGFhZnRhbnN0YWFm"}, {""}, SASL_DONE, "tim", "tanstaaftanstaaf"},
	{"PLAIN, RFC 4616 4, other identity", "PLAIN", "VXJzZWwAS3VydAB4aXBqMzBweA==", {0}, {0}, SASL_AUTHZID, "Kurt", "xipj30px"},
	{"PLAIN, own identity", "plain", "dGltAHRpbQB4", {0}, {0}, SASL_DONE, "tim", "x"},
	{"PLAIN, UTF-8", "PLAIN", "AMOkAMO2", {0}, {0}, SASL_DONE, "\xc3\xa4", "\xc3\xb6"},
	{"PLAIN, empty initial response", "PLAIN", "=", {0}, {0}, SASL_SYNTAX, 0, 0},
	{"PLAIN, initial response of no length", "PLAIN", "", {0}, {0}, SASL_SYNTAX, 0, 0},
	{"PLAIN, initial response *", "PLAIN", "*", {0}, {0}, SASL_SYNTAX, 0, 0},
	{"PLAIN, one part", "PLAIN", "dGlt", {0}, {0}, SASL_SYNTAX, 0, 0},
	{"PLAIN, two parts", "PLAIN", "AHRpbQ==", {0}, {0}, SASL_SYNTAX, 0, 0},
	{"PLAIN, four parts", "PLAIN", "AHRpbQB4AHk=", {0}, {0}, SASL_SYNTAX, 0, 0},
	{"PLAIN, empty login", "PLAIN", "AAB4", {0}, {0}, SASL_SYNTAX, 0, 0},
	{"PLAIN, empty password", "PLAIN", "AHRpbQA=", {0}, {0}, SASL_SYNTAX, 0, 0},
	{"PLAIN, not base64", "PLAIN", "AHRpbQB4!", {0}, {0}, SASL_SYNTAX, 0, 0},
	{"PLAIN, padding missing", "PLAIN", "AHRpbQB4eQ", {0}, {0}, SASL_SYNTAX, 0, 0},
	{"PLAIN cancelled", "PLAIN", 0, {"*"}, {""}, SASL_CANCELLED, 0, 0},
	{"LOGIN", "LOGIN", 0, {"dGlt", "c2VjcmV0"}, {"VXNlcm5hbWU6", "UGFzc3dvcmQ6"}, SASL_DONE, "tim", "secret"},
	{"LOGIN, initial response", "login", "dGlt", {"c2VjcmV0"}, {"UGFzc3dvcmQ6"}, SASL_DONE, "tim", "secret"},
	{"LOGIN, empty login", "LOGIN", "=", {0}, {0}, SASL_SYNTAX, 0, 0},
	{"LOGIN, empty password", "LOGIN", "dGlt", {""}, {"UGFzc3dvcmQ6"}, SASL_SYNTAX, 0, 0},
	{"LOGIN, NUL in the login", "LOGIN", "AHg=", {0}, {0}, SASL_SYNTAX, 0, 0},
	{"LOGIN cancelled at the name", "LOGIN", 0, {"*"}, {"VXNlcm5hbWU6"}, SASL_CANCELLED, 0, 0},
	{"LOGIN cancelled at the password", "LOGIN", "dGlt", {"*"}, {"UGFzc3dvcmQ6"}, SASL_CANCELLED, 0, 0},
	{"PLAIN, control in the login", "PLAIN", "AAEAeA==", {0}, {0}, SASL_SYNTAX, 0, 0},
	{"EXTERNAL", "EXTERNAL", 0, {""}, {""}, SASL_DONE, "", ""},
	{"EXTERNAL, initial response", "EXTERNAL", "dGlt", {0}, {0}, SASL_DONE, "tim", ""},
	{"EXTERNAL, empty initial response", "EXTERNAL", "=", {0}, {0}, SASL_DONE, "", ""},
	{"EXTERNAL, NUL in the name", "EXTERNAL", "AHg=", {0}, {0}, SASL_SYNTAX, 0, 0},
	{"no such mechanism", "GSSAPI", 0, {0}, {0}, SASL_UNKNOWN, 0, 0},
	{"a mechanism's beginning", "PLAI", "AHRpbQB4", {0}, {0}, SASL_UNKNOWN, 0, 0},
	{"no mechanism", "", 0, {0}, {0}, SASL_UNKNOWN, 0, 0},
};
/* clang-format on */

/* ---- messages in clear, which the following tables are easier to read in ---- */

/* RFC 5802 5 and RFC 7677 3: the password is "pencil". */
static struct account {
	char const *login;
	enum hash hash;
	char const *salt, *nonce;
} const accounts[] = {
    {"user", HASH_SHA1, "QSXCR+Q6sek8bf92", "3rfcNHYJY1ZVvWVs7j"},
    {"user", HASH_SHA256, "W22ZaJ0SNY7soEsUEjb6gQ==", "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"},
    {"a,b=c", HASH_SHA1, "QSXCR+Q6sek8bf92", "x"},
};
static struct scram_keys known;

static int
give_keys(void *arg, char const *login, enum hash h, struct sasl_keys *k)
{
	(void)arg;
	for (size_t i = 0; i < sizeof accounts / sizeof *accounts; i++) {
		struct account const *a = accounts + i;
		stralloc salt = STRALLOC_ZERO;
		if (strcmp(a->login, login) || a->hash != h)
			continue;
		base64_decode(&salt, a->salt, strlen(a->salt));
		known = (struct scram_keys){.iterations = 4096, .salt_len = (uint32_t)salt.len};
		memcpy(known.salt, salt.s, salt.len);
		scram_make(&known, h, "pencil");
		*k = (struct sasl_keys){.iterations = 4096, .salt_len = known.salt_len};
		memcpy(k->salt, known.salt, sizeof k->salt);
		strcpy(k->nonce, a->nonce);
		stralloc_free(&salt);
		return 0;
	}
	return -1;
}

static int
judge_proof(void *arg, char const *message, size_t len, unsigned char const proof[static HASH_MAX],
    unsigned char signature[static HASH_MAX])
{
	(void)arg;
	return scram_prove(&known, message, len, proof, signature) ? 0 : -1;
}

static struct sasl_server const server = {.offered = ~0u,
    .keys = give_keys,
    .prove = judge_proof,
    .oauth_error = ",\"schemes\":\"bearer\""};

struct talk {
	char const *name, *mechanism;
	struct {
		char const *client, *server; /* server null: no challenge comes back */
	} turn[3];
	enum sasl_status want;
	char const *login, *secret;
};

#define N1 "fyko+d2lbbFgONRv9qkxdawL"
#define S1 N1 "3rfcNHYJY1ZVvWVs7j"
#define FIRST1 "r=" S1 ",s=QSXCR+Q6sek8bf92,i=4096"
#define P1 ",p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="
#define N2 "rOprNGfwEbeRWgbNEkqO"
#define S2 N2 "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X256 X50 X50 X50 X50 X50 "xxxxxx"

/* clang-format off */
static struct talk const talks[] = {
	{"SCRAM-SHA-1, RFC 5802 5", "SCRAM-SHA-1", {{"n,,n=user,r=" N1, FIRST1}, {"c=biws,r=" S1 P1, "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="}, {"", 0}}, SASL_DONE, "user", ""},
	{"SCRAM-SHA-256, RFC 7677 3", "SCRAM-SHA-256", {{"n,,n=user,r=" N2, "r=" S2 ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"}, {"c=biws,r=" S2 ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="}, {"", 0}}, SASL_DONE, "user", ""},
	{"SCRAM, another proof", "SCRAM-SHA-1", {{"n,,n=user,r=" N1, FIRST1}, {"c=biws,r=" S1 ",p=v0X8v3Bz2T0CJGbJQyF0X+HI4TA=", 0}}, SASL_FAILED, 0, 0},
	{"SCRAM, binding y in place of n", "SCRAM-SHA-1", {{"y,,n=user,r=" N1, FIRST1}, {"c=eSws,r=" S1 P1, 0}}, SASL_FAILED, 0, 0},
	{"SCRAM, the binding changes", "SCRAM-SHA-1", {{"y,,n=user,r=" N1, FIRST1}, {"c=biws,r=" S1 P1, 0}}, SASL_SYNTAX, 0, 0},
	{"SCRAM, the nonce changes", "SCRAM-SHA-1", {{"n,,n=user,r=" N1, FIRST1}, {"c=biws,r=" N1 P1, 0}}, SASL_SYNTAX, 0, 0},
	{"SCRAM, the client's nonce alone", "SCRAM-SHA-1", {{"n,,n=user,r=" N1, FIRST1}, {"c=biws,r=" N1 "3rfcNHYJY1ZVvWVs7k" P1, 0}}, SASL_SYNTAX, 0, 0},
	{"SCRAM, an extension changes the proof", "SCRAM-SHA-1", {{"n,,n=user,r=" N1, FIRST1}, {"c=biws,r=" S1 ",x=y" P1, 0}}, SASL_FAILED, 0, 0},
	{"SCRAM, something behind the proof", "SCRAM-SHA-1", {{"n,,n=user,r=" N1, FIRST1}, {"c=biws,r=" S1 P1 ",x=y", 0}}, SASL_SYNTAX, 0, 0},
	{"SCRAM, no proof", "SCRAM-SHA-1", {{"n,,n=user,r=" N1, FIRST1}, {"c=biws,r=" S1, 0}}, SASL_SYNTAX, 0, 0},
	{"SCRAM, a short proof", "SCRAM-SHA-1", {{"n,,n=user,r=" N1, FIRST1}, {"c=biws,r=" S1 ",p=AAAA", 0}}, SASL_SYNTAX, 0, 0},
	{"SCRAM, no binding", "SCRAM-SHA-1", {{"n,,n=user,r=" N1, FIRST1}, {"r=" S1 P1, 0}}, SASL_SYNTAX, 0, 0},
	{"SCRAM, something behind the end", "SCRAM-SHA-1", {{"n,,n=user,r=" N1, FIRST1}, {"c=biws,r=" S1 P1, "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="}, {"x", 0}}, SASL_SYNTAX, 0, 0},
	{"SCRAM, an unknown user (this server has no fakes)", "SCRAM-SHA-1", {{"n,,n=nobody,r=x", 0}}, SASL_FAILED, 0, 0},
	{"SCRAM, own identity", "SCRAM-SHA-1", {{"n,a=user,n=user,r=" N1, FIRST1}}, SASL_CONTINUE, 0, 0},
	{"SCRAM, other identity", "SCRAM-SHA-1", {{"n,a=other,n=user,r=" N1, 0}}, SASL_AUTHZID, 0, 0},
	{"SCRAM, identity that is none", "SCRAM-SHA-1", {{"n,x=user,n=user,r=" N1, 0}}, SASL_SYNTAX, 0, 0},
	{"SCRAM, channel binding that was not offered", "SCRAM-SHA-1", {{"p=tls-unique,,n=user,r=" N1, 0}}, SASL_SYNTAX, 0, 0},
	{"SCRAM-PLUS", "SCRAM-SHA-1-PLUS", {{"p=tls-unique,,n=user,r=" N1, 0}}, SASL_UNKNOWN, 0, 0},
	{"SCRAM, mandatory extension", "SCRAM-SHA-1", {{"n,,m=x,n=user,r=" N1, 0}}, SASL_SYNTAX, 0, 0},
	{"SCRAM, optional extension", "SCRAM-SHA-1", {{"n,,n=user,r=" N1 ",x=y", FIRST1}}, SASL_CONTINUE, 0, 0},
	{"SCRAM, encoded name", "SCRAM-SHA-1", {{"n,,n=a=2Cb=3Dc,r=y", "r=yx,s=QSXCR+Q6sek8bf92,i=4096"}}, SASL_CONTINUE, 0, 0},
	{"SCRAM, badly encoded name", "SCRAM-SHA-1", {{"n,,n=a=2cb,r=y", 0}}, SASL_SYNTAX, 0, 0},
	{"SCRAM, name with a cut encoding", "SCRAM-SHA-1", {{"n,,n=a=2,r=y", 0}}, SASL_SYNTAX, 0, 0},
	{"SCRAM, empty name", "SCRAM-SHA-1", {{"n,,n=,r=y", 0}}, SASL_SYNTAX, 0, 0},
	{"SCRAM, name too long", "SCRAM-SHA-1", {{"n,,n=" X256 ",r=y", 0}}, SASL_LONG, 0, 0},
	{"SCRAM, empty nonce", "SCRAM-SHA-1", {{"n,,n=user,r=", 0}}, SASL_SYNTAX, 0, 0},
	{"SCRAM, nonce with a blank", "SCRAM-SHA-1", {{"n,,n=user,r=a b", 0}}, SASL_SYNTAX, 0, 0},
	{"SCRAM, nonce too long", "SCRAM-SHA-1", {{"n,,n=user,r=" X256 "x", 0}}, SASL_LONG, 0, 0},
	{"SCRAM, the longest nonce", "SCRAM-SHA-1", {{"n,,n=user,r=" X256, "r=" X256 "3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096"}}, SASL_CONTINUE, 0, 0},
	{"SCRAM, message too long", "SCRAM-SHA-1", {{"n,,n=user,r=x,x=" X256 X256 X256 X256, 0}}, SASL_LONG, 0, 0},
	{"SCRAM, no header", "SCRAM-SHA-1", {{"n=user,r=x", 0}}, SASL_SYNTAX, 0, 0},
	{"SCRAM, nothing", "SCRAM-SHA-1", {{"", 0}}, SASL_SYNTAX, 0, 0},

	{"OAUTHBEARER, RFC 7628 4.1", "OAUTHBEARER", {{"n,a=user@example.com,\1host=server.example.com\1port=143\1auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\1\1", 0}}, SASL_DONE, "user@example.com", "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="},
	{"OAUTHBEARER, no user", "OAUTHBEARER", {{"n,,\1auth=bearer x\1\1", 0}}, SASL_DONE, "", "x"},
	{"OAUTHBEARER, encoded user", "OAUTHBEARER", {{"y,a=a=2Cb,\1auth=Bearer  x\1\1", 0}}, SASL_DONE, "a,b", "x"},
	{"OAUTHBEARER, channel binding", "OAUTHBEARER", {{"p=tls-unique,,\1auth=Bearer x\1\1", 0}}, SASL_SYNTAX, 0, 0},
	{"OAUTHBEARER, another scheme", "OAUTHBEARER", {{"n,,\1auth=Basic x\1\1", 0}}, SASL_SYNTAX, 0, 0},
	{"OAUTHBEARER, no token", "OAUTHBEARER", {{"n,,\1auth=Bearer \1\1", 0}}, SASL_SYNTAX, 0, 0},
	{"OAUTHBEARER, no auth", "OAUTHBEARER", {{"n,,\1host=x\1\1", 0}}, SASL_SYNTAX, 0, 0},
	{"OAUTHBEARER, a token with a blank", "OAUTHBEARER", {{"n,,\1auth=Bearer x y\1\1", 0}}, SASL_SYNTAX, 0, 0},
	{"OAUTHBEARER, no end", "OAUTHBEARER", {{"n,,\1auth=Bearer x\1", 0}}, SASL_SYNTAX, 0, 0},
	{"OAUTHBEARER, something behind the end", "OAUTHBEARER", {{"n,,\1auth=Bearer x\1\1y", 0}}, SASL_SYNTAX, 0, 0},
	{"OAUTHBEARER, a pair that is none", "OAUTHBEARER", {{"n,,\1auth\1\1", 0}}, SASL_SYNTAX, 0, 0},
	{"OAUTHBEARER, no header", "OAUTHBEARER", {{"\1auth=Bearer x\1\1", 0}}, SASL_SYNTAX, 0, 0},
	{"OAUTHBEARER, header without its comma", "OAUTHBEARER", {{"n,a=x\1auth=Bearer x\1\1", 0}}, SASL_SYNTAX, 0, 0},
	{"XOAUTH2", "XOAUTH2", {{"user=someuser@example.com\1auth=Bearer ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg\1\1", 0}}, SASL_DONE, "someuser@example.com", "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg"},
	{"XOAUTH2, no user", "XOAUTH2", {{"auth=Bearer x\1\1", 0}}, SASL_SYNTAX, 0, 0},
	{"XOAUTH2, control in the user", "XOAUTH2", {{"user=a\tb\1auth=Bearer x\1\1", 0}}, SASL_SYNTAX, 0, 0},
	{"XOAUTH2, nothing", "XOAUTH2", {{"", 0}}, SASL_SYNTAX, 0, 0},
};
/* clang-format on */

static void
finish(char const *name, struct sasl *s)
{
	static struct sasl const zero;
	sasl_end(s);
	tap_ok(!memcmp(s, &zero, sizeof zero), "%s: wiped", name);
}

static void
run(struct dialog const *d)
{
	static struct sasl s;
	enum sasl_status r = sasl_start(&s, &server, d->mechanism, strlen(d->mechanism), d->initial,
	    d->initial ? strlen(d->initial) : 0);
	for (int i = 0; r == SASL_CONTINUE && i < 3 && d->line[i]; i++) {
		tap_str(d->name, s.challenge, d->challenge[i]);
		r = sasl_step(&s, d->line[i], strlen(d->line[i]));
	}
	tap_num(d->name, r, d->want);
	if (r == SASL_DONE) {
		tap_str(d->name, s.login, d->login);
		tap_str(d->name, s.secret, d->password);
	}
	finish(d->name, &s);
}

static void
talk(struct talk const *t)
{
	static struct sasl s;
	stralloc line = STRALLOC_ZERO, challenge = STRALLOC_ZERO;
	enum sasl_status r = sasl_start(&s, &server, t->mechanism, strlen(t->mechanism), 0, 0);
	for (int i = 0; r == SASL_CONTINUE && i < 3 && t->turn[i].client; i++) {
		sa_reset(&line);
		base64_encode(&line, t->turn[i].client, strlen(t->turn[i].client));
		r = sasl_step(&s, sa_str(&line), line.len);
		if (!t->turn[i].server)
			continue;
		sa_reset(&challenge);
		base64_decode(&challenge, s.challenge, strlen(s.challenge));
		tap_str(t->name, sa_str(&challenge), t->turn[i].server);
	}
	tap_num(t->name, r, t->want);
	if (r == SASL_DONE) {
		tap_str(t->name, s.login, t->login);
		tap_str(t->name, s.secret, t->secret);
	}
	finish(t->name, &s);
	stralloc_free(&line);
	stralloc_free(&challenge);
}

/* What a client is told whose token was refused, and that its answer ends the exchange. */
static void
refused(char const *mechanism, char const *message, char const *want)
{
	static struct sasl s;
	stralloc line = STRALLOC_ZERO;
	base64_encode(&line, message, strlen(message));
	tap_num(mechanism, sasl_start(&s, &server, mechanism, strlen(mechanism), line.s, line.len),
	    SASL_DONE);
	tap_num(mechanism, sasl_refused(&s), want ? SASL_CONTINUE : SASL_FAILED);
	if (want) {
		sa_reset(&line);
		base64_decode(&line, s.challenge, strlen(s.challenge));
		tap_str(mechanism, sa_str(&line), want);
		tap_num("the client's dummy ends it", sasl_step(&s, "AQ==", 4), SASL_FAILED);
	}
	finish(mechanism, &s);
	stralloc_free(&line);
}

/* A PLAIN message of n octets in base64. */
static enum sasl_status
sized(size_t n)
{
	static struct sasl s;
	stralloc text = STRALLOC_ZERO;
	char *message = malloc(n);
	memset(message, 'x', n);
	message[0] = message[2] = 0;
	base64_encode(&text, message, n);
	enum sasl_status r = sasl_start(&s, &server, "PLAIN", 5, text.s, text.len);
	free(message);
	stralloc_free(&text);
	return r;
}

int
main(void)
{
	static struct sasl s;
	stralloc names = STRALLOC_ZERO;
	for (size_t i = 0; i < sizeof dialogs / sizeof *dialogs; i++)
		run(dialogs + i);
	for (size_t i = 0; i < sizeof talks / sizeof *talks; i++)
		talk(talks + i);
	refused("OAUTHBEARER", "n,,\1auth=Bearer x\1\1",
	    "{\"status\":\"invalid_token\",\"schemes\":\"bearer\"}");
	refused(
	    "XOAUTH2", "user=a\1auth=Bearer x\1\1", "{\"status\":\"401\",\"schemes\":\"bearer\"}");
	refused("EXTERNAL", "a", 0);
	tap_num("the longest message", sized(SASL_MESSAGE_MAX), SASL_DONE);
	tap_num("one octet more", sized(SASL_MESSAGE_MAX + 1), SASL_LONG);
	tap_num("a line too long", sized(SASL_LINE_MAX), SASL_LONG);
	struct sasl_server const few = {.offered = 1u << SASL_LOGIN | 1u << SASL_XOAUTH2};
	tap_num("not offered", sasl_start(&s, &few, "PLAIN", 5, 0, 0), SASL_UNKNOWN);
	sasl_names(&names, " ", few.offered);
	tap_str("names of what is offered", sa_str(&names), " XOAUTH2 LOGIN");
	sa_reset(&names);
	sasl_names(&names, "=", ~0u);
	tap_str("names, the best first", sa_str(&names),
	    "=EXTERNAL=SCRAM-SHA-256=SCRAM-SHA-1=OAUTHBEARER=XOAUTH2=PLAIN=LOGIN");
	tap_num("no ANONYMOUS", sasl_find("ANONYMOUS", 9), SASL_MECHANISMS);
	stralloc_free(&names);
	return tap_done();
}

/* A SASL exchange from the child's side: lib/sasl.h between the client and the parent. */
#include "lib/login-request.h"

#include <stdlib.h>
#include <string.h>

static int
ask_keys(void *arg, char const *name, enum hash h, struct sasl_keys *k)
{
	static struct login_answer a;
	struct login *l = arg;
	struct login_request r;
	login_fill(&r, LOGIN_ASK_KEYS,
	    &(struct login_credentials){.login = name, .password = "", .mechanism = scram_name(h)});
	int got = login_ask(l, 0, &r, "", 0, &a, l->answer_seconds);
	l->verdict = got < 0 ? LOGIN_GONE : (enum login_verdict)a.verdict;
	if (l->verdict != LOGIN_OK || a.len != sizeof *k)
		return -1;
	memcpy(k, a.data, sizeof *k);
	return 0;
}

static int
ask_proof(void *arg, char const *auth_message, size_t len,
    unsigned char const proof[static HASH_MAX], unsigned char signature[static HASH_MAX])
{
	static struct login_answer a;
	struct login *l = arg;
	struct login_request r;
	char data[HASH_MAX + SASL_AUTH_MESSAGE_MAX];
	memcpy(data, proof, HASH_MAX);
	memcpy(data + HASH_MAX, auth_message, len);
	login_fill(&r, LOGIN_ASK_PROOF,
	    &(struct login_credentials){.login = "", .password = "", .mechanism = l->sasl.name});
	int got = login_ask(l, 0, &r, data, HASH_MAX + len, &a, l->answer_seconds);
	l->verdict = got < 0 ? LOGIN_GONE : (enum login_verdict)a.verdict;
	if (l->verdict != LOGIN_OK || a.len != HASH_MAX)
		return -1;
	memcpy(signature, a.data, HASH_MAX);
	return 0;
}

/* Keeps the server's last words for the protocol's OK, where that takes them: 1. */
static int
keep_last(struct login *l, struct login_dialog const *d)
{
	size_t n = strlen(l->sasl.challenge);
	if (!l->sasl.last || !d->last || n > LOGIN_LAST_MAX)
		return 0;
	memcpy(d->last, l->sasl.challenge, n + 1);
	return 1;
}

static void
put_challenge(struct login *l, struct net *n, struct login_dialog const *d)
{
	if (d->challenge)
		d->challenge(d->arg, l->sasl.challenge);
	else
		net_putf(n, "%s%s\r\n", d->prompt, l->sasl.challenge);
}

/* Challenges and answers as often as the mechanism wants. -1: nothing more can be read. */
static int
exchange(struct login *l, struct net *n, struct login_dialog const *d, enum sasl_status status)
{
	char line[SASL_LINE_MAX + 2];
	size_t len;
	int r = (int)status;
	while (r == SASL_CONTINUE) {
		if (keep_last(l, d)) {
			r = (int)sasl_step(&l->sasl, "", 0);
			continue;
		}
		put_challenge(l, n, d);
		switch (d->read(d->arg, line, sizeof line, &len)) {
		case NET_LINE:
			r = (int)sasl_step(&l->sasl, line, len);
			explicit_bzero(line, len);
			break;
		case NET_LONG:
			r = SASL_LONG;
			break;
		default:
			r = -1;
		}
	}
	return r;
}

static enum login_verdict
open_account(struct login *l, struct net *n, struct login_dialog const *d)
{
	static enum login_ask const asks[] = {
	    [SASL_PASSWORD] = LOGIN_ASK_PASSWORD,
	    [SASL_PROVED] = LOGIN_ASK_PROVED,
	    [SASL_TOKEN] = LOGIN_ASK_TOKEN,
	    [SASL_CERTIFICATE] = LOGIN_ASK_CERTIFICATE,
	};
	struct sasl *s = &l->sasl;
	struct login_request r;
	int password = s->evidence == SASL_PASSWORD, token = s->evidence == SASL_TOKEN;
	login_fill(&r, asks[s->evidence],
	    &(struct login_credentials){.login = s->login,
		.password = password ? s->secret : "",
		.mechanism = s->name,
		.tag = d->tag,
		.command = d->command});
	return login_open(l, n, &r, token ? s->secret : "", token ? strlen(s->secret) : 0);
}

/* What a status that ends an exchange means to the caller. */
static enum login_verdict
verdict_of(struct login const *l, int status)
{
	switch (status) {
	case SASL_CANCELLED:
		return LOGIN_CANCELLED;
	case SASL_LONG:
		return LOGIN_LONG;
	case SASL_AUTHZID:
		return LOGIN_AUTHZID;
	case SASL_UNKNOWN:
		return LOGIN_UNKNOWN;
	case SASL_FAILED:
		return l->verdict;
	case -1:
		return LOGIN_LOST;
	default:
		return LOGIN_SYNTAX;
	}
}

unsigned int
login_offered(struct login const *l)
{
	unsigned int external = getenv("SSL_PEER_CERT_HASH") ? 0 : 1u << SASL_EXTERNAL;
	return l->offered & ~external;
}

enum login_verdict
login_authenticate(struct login *l, struct net *n, struct login_dialog const *d, char const *name,
    size_t name_len, char *initial, size_t initial_len)
{
	struct sasl_server const server = {.arg = l,
	    .offered = login_offered(l),
	    .keys = ask_keys,
	    .prove = ask_proof,
	    .oauth_error = l->oauth_error};
	enum sasl_status begun =
	    sasl_start(&l->sasl, &server, name, name_len, initial, initial_len);
	if (initial)
		explicit_bzero(initial, initial_len);
	int status = exchange(l, n, d, begun);
	enum login_verdict v = verdict_of(l, status);
	if (status == SASL_DONE) {
		v = open_account(l, n, d);
		if ((v == LOGIN_REFUSED || v == LOGIN_TOOMANY) &&
		    exchange(l, n, d, sasl_refused(&l->sasl)) < 0)
			v = LOGIN_LOST;
	}
	sasl_end(&l->sasl);
	return v;
}

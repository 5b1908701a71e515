/* Is it who it says it is: a password, a proof, a token or a certificate, with the delays that a
 * refusal costs. */
#include "lib/login-parent.h"

#include <stdlib.h>
#include <string.h>

#include "lib/log.h"

static void
log_check(struct login_request const *r, enum login_verdict v)
{
	static char const *const events[] = {
	    [LOGIN_OK] = "login",
	    [LOGIN_REFUSED] = "refused",
	    [LOGIN_TEMPFAIL] = "tempfail",
	    [LOGIN_LIMIT] = "limit",
	    [LOGIN_TOOMANY] = "refused-last",
	    [LOGIN_GONE] = "tempfail-last",
	};
	char const *tls = getenv("SSL_PROTOCOL"), *ip = getenv("TCPREMOTEIP");
	log_event(events[v]);
	log_str("user", r->login);
	log_str("mech", r->mechanism);
	if (ip)
		log_str("ip", ip);
	log_str("tls", tls ? tls : "no");
	log_send();
}

/* Whose account it is, where it is not a password that tells. */
static enum login_verdict
identify(
    struct login_parent *p, struct login_run *run, struct login_message *m, struct login_answer *a)
{
	static unsigned int const wants[LOGIN_ASKS] = {
	    [LOGIN_ASK_TOKEN] = 1u << SASL_OAUTHBEARER | 1u << SASL_XOAUTH2,
	    [LOGIN_ASK_CERTIFICATE] = 1u << SASL_EXTERNAL,
	    [LOGIN_ASK_PROVED] = 1u << SASL_SCRAM_SHA_1 | 1u << SASL_SCRAM_SHA_256,
	    [LOGIN_ASK_PROOF] = 1u << SASL_SCRAM_SHA_1 | 1u << SASL_SCRAM_SHA_256,
	};
	struct login_request *r = &m->r;
	if (!(p->offer.mechanisms & wants[r->ask]))
		return LOGIN_TEMPFAIL;
	switch (r->ask) {
	case LOGIN_ASK_TOKEN:
		/* The checker sees where it ends by a NUL. */
		return memchr(m->tail, 0, r->data_len) ? LOGIN_REFUSED
						       : login_token(p, run, r, m->tail);
	case LOGIN_ASK_CERTIFICATE:
		return login_certificate(r);
	case LOGIN_ASK_PROVED:
		return login_scram_proved(p, r);
	default:
		a->len = HASH_MAX;
		return login_scram_proof(p, r, m->tail, (unsigned char *)a->data);
	}
}

static enum login_verdict
judge(struct login_parent *p, struct login_run *run, struct login_message *m, int const conn[2],
    struct login_answer *a)
{
	struct login_request *r = &m->r;
	char const *input = m->tail + r->data_len;
	if (!p->argv)
		return LOGIN_TEMPFAIL;
	if (r->ask == LOGIN_ASK_PASSWORD && !(p->offer.mechanisms & LOGIN_PASSWORDS))
		return LOGIN_TEMPFAIL;
	if (r->ask == LOGIN_ASK_PASSWORD)
		return r->login[0] && r->password[0] ? login_run(p, run, r, conn, input, 0)
						     : LOGIN_REFUSED;
	enum login_verdict v = identify(p, run, m, a);
	if (v == LOGIN_OK && r->ask != LOGIN_ASK_PROOF) {
		r->password[0] = 0;
		v = login_run(p, run, r, conn, input, 1);
	}
	return v;
}

enum login_verdict
login_judge(struct login_parent *p, struct login_run *run, struct login_message *m,
    int const conn[2], struct login_answer *a)
{
	struct login_request *r = &m->r;
	unsigned char attempt[HASH_MAX];
	tain begin;
	if (r->ask != LOGIN_ASK_PROVED) /* its proof has waited already */
		login_delay_before(p, r->ask == LOGIN_ASK_PROOF ? p->scram.login : r->login);
	tain_now_g();
	tain_copynow(&begin);
	int password = r->ask == LOGIN_ASK_PASSWORD;
	/* The same wrong password or token is known again; every proof of SCRAM's is another. */
	hash_of(HASH_SHA256, password ? r->password : m->tail,
	    password ? sizeof r->password : r->data_len, attempt);
	enum login_verdict v = judge(p, run, m, conn, a);
	int refused = v == LOGIN_REFUSED;
	if (v != LOGIN_OK && ++p->failures >= p->attempts)
		v = refused ? LOGIN_TOOMANY : LOGIN_GONE;
	p->over = v == LOGIN_TOOMANY || v == LOGIN_GONE;
	/* Before it is told: who reads the line may count on it. */
	if (refused)
		login_delay_count(p, r, attempt);
	if (!p->ending && (v != LOGIN_OK || r->ask != LOGIN_ASK_PROOF))
		log_check(r, v);
	if (refused)
		login_delay_after(p, r, &begin);
	explicit_bzero(attempt, sizeof attempt);
	return v;
}

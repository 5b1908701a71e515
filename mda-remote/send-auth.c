#include "mda-remote/send-open.h"

#include <string.h>

#include "lib/ascii.h"
#include "lib/base64.h"
#include "lib/sa.h"
#include "lib/scram-client.h"

/* Each mechanism leaves the last reply in s->reply: 0; -1 when the connection failed (errno); or -2
 * when the server is not to be trusted, with the reason in *text. */
enum { LOST = -1, DISTRUSTED = -2 };

static int
say(struct send *s, char const *before, char const *text, size_t len)
{
	stralloc b = STRALLOC_ZERO;
	base64_encode(&b, text, len);
	smtp_client_cmd(&s->c, "%s%s", before, sa_str(&b));
	stralloc_free(&b);
	return smtp_client_reply(&s->c, &s->reply);
}

/* RFC 4616 */
static int
auth_plain(struct send *s, char const **text)
{
	stralloc plain = STRALLOC_ZERO;
	(void)text;
	sa_0(&plain);
	sa_cats(&plain, s->login);
	sa_0(&plain);
	sa_cats(&plain, s->password);
	int r = say(s, "AUTH PLAIN ", plain.s, plain.len);
	stralloc_free(&plain);
	return r;
}

static int
auth_login(struct send *s, char const **text)
{
	(void)text;
	smtp_client_cmd(&s->c, "AUTH LOGIN");
	int r = smtp_client_reply(&s->c, &s->reply);
	if (!r && s->reply.code == 334)
		r = say(s, "", s->login, strlen(s->login));
	if (!r && s->reply.code == 334)
		r = say(s, "", s->password, strlen(s->password));
	return r;
}

/* The challenge of a 334 reply, decoded. 0, or -1. */
static int
challenge(struct send *s, stralloc *out)
{
	sa_reset(out);
	return base64_decode(out, s->reply.text.s, s->reply.text.len);
}

/* The server's messages one by one; 334 brings each (RFC 4954 4). */
static int
scram(struct send *s, struct scram_client *c, stralloc *in, stralloc *out, char const **text)
{
	scram_client_first(c, HASH_SHA256, s->login, 0, out);
	if (say(s, "AUTH SCRAM-SHA-256 ", out->s, out->len) < 0)
		return LOST;
	if (s->reply.code != 334)
		return s->reply.code >= 400 ? 0 : DISTRUSTED;
	sa_reset(out);
	if (challenge(s, in) < 0 ||
	    scram_client_final(c, in->s, in->len, s->password, out, text) < 0)
		return DISTRUSTED;
	if (say(s, "", out->s, out->len) < 0)
		return LOST;
	if (s->reply.code >= 400)
		return 0;
	if (s->reply.code != 334 || challenge(s, in) < 0 || !scram_client_verify(c, in->s, in->len))
		return DISTRUSTED;
	return say(s, "", "", 0);
}

static int
auth_scram(struct send *s, char const **text)
{
	struct scram_client c;
	stralloc in = STRALLOC_ZERO, out = STRALLOC_ZERO;
	*text = "the server does not show that it knows the password";
	int r = scram(s, &c, &in, &out, text);
	scram_client_end(&c);
	stralloc_free(&in);
	stralloc_free(&out);
	return r;
}

/* The best first. */
static struct mechanism {
	char const *name;
	int hides; /* the password: may go in clear */
	int (*run)(struct send *s, char const **text);
} const mechanisms[] = {
    {"SCRAM-SHA-256", 1, auth_scram},
    {"PLAIN", 0, auth_plain},
    {"LOGIN", 0, auth_login},
};

static int
has_word(stralloc const *list, char const *word)
{
	size_t n = strlen(word);
	for (size_t i = 0; i < list->len;) {
		while (i < list->len && ascii_isblank(list->s[i]))
			i++;
		size_t end = i;
		while (end < list->len && !ascii_isblank(list->s[end]))
			end++;
		if (end - i == n && ascii_ieq(list->s + i, n, word))
			return 1;
		i = end;
	}
	return 0;
}

static struct mechanism const *
choose(struct send const *s, char const **text)
{
	int clear = !s->tls_state.protocol[0];
	*text = "the server offers neither AUTH SCRAM-SHA-256 nor PLAIN nor LOGIN";
	for (size_t i = 0; i < sizeof mechanisms / sizeof *mechanisms; i++) {
		if (!has_word(&s->c.auth, mechanisms[i].name))
			continue;
		if (!clear || mechanisms[i].hides)
			return mechanisms + i;
		*text = "the server wants the password in clear without TLS";
	}
	return 0;
}

int
send_auth(struct send *s, struct attempt *why)
{
	char const *text;
	if (!s->login)
		return READY;
	struct mechanism const *m = choose(s, &text);
	send_deadline(s, SEND_AUTH_SECONDS);
	int r = m ? m->run(s, &text) : DISTRUSTED;
	if (r == LOST)
		return send_io_error(why, "AUTH");
	if (!r && s->reply.code == 235)
		return READY;
	/* Our settings are wrong, or the server is not the right one: not the message's fault. */
	if (r == DISTRUSTED)
		attempt_set(why, 'w', 0, "4.7.0", text);
	else
		send_refused(s, why);
	why->verdict = 'w';
	return FAILED;
}

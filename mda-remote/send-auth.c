#include "mda-remote/send-open.h"

#include <string.h>

#include "lib/ascii.h"
#include "lib/base64.h"
#include "lib/sa.h"

/* A mechanism's run: the last reply is in s->reply. 0, or -1 when the connection failed; -2 with
 * the reason in *text when the server is not to be trusted. */
static int
say(struct send *s, char const *prefix, stralloc const *plain)
{
	stralloc b = STRALLOC_ZERO;
	base64_encode(&b, plain->s, plain->len);
	smtp_client_cmd(&s->c, "%s%s", prefix, sa_str(&b));
	stralloc_free(&b);
	return smtp_client_reply(&s->c, &s->reply);
}

/* RFC 4616 */
static int
auth_plain(struct send *s)
{
	stralloc plain = STRALLOC_ZERO;
	sa_0(&plain);
	sa_cats(&plain, s->login);
	sa_0(&plain);
	sa_cats(&plain, s->password);
	int r = say(s, "AUTH PLAIN ", &plain);
	stralloc_free(&plain);
	return r;
}

static int
auth_login(struct send *s)
{
	stralloc word = STRALLOC_ZERO;
	smtp_client_cmd(&s->c, "AUTH LOGIN");
	int r = smtp_client_reply(&s->c, &s->reply);
	sa_copys(&word, s->login);
	if (!r && s->reply.code == 334)
		r = say(s, "", &word);
	sa_copys(&word, s->password);
	if (!r && s->reply.code == 334)
		r = say(s, "", &word);
	stralloc_free(&word);
	return r;
}

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

int
send_auth(struct send *s, struct attempt *why)
{
	if (!s->login)
		return READY;
	int plain = has_word(&s->c.auth, "PLAIN");
	if (!plain && !has_word(&s->c.auth, "LOGIN")) {
		attempt_set(
		    why, 'w', 0, "4.7.0", "the server offers neither AUTH PLAIN nor AUTH LOGIN");
		return FAILED;
	}
	send_deadline(s, SEND_MAIL_SECONDS);
	if ((plain ? auth_plain(s) : auth_login(s)) < 0)
		return send_io_error(why, "AUTH");
	if (s->reply.code == 235)
		return READY;
	/* Our settings are wrong, not the message. */
	send_refused(s, why);
	why->verdict = 'w';
	return FAILED;
}

/* Whether the server would take mail for one address (RFC 5321 3.3: RCPT tells), without a message.
 */
#include <errno.h>
#include <string.h>

#include "mda-remote/envelope.h"
#include "mda-remote/send.h"

/* The reply to what was queued, of class 2; else the verdict, with `bad` where the reply is 5xx. */
static int
passes(struct send *s, unsigned int seconds, char bad, struct attempt *why)
{
	send_deadline(s, seconds);
	if (smtp_client_reply(&s->c, &s->reply) < 0) {
		attempt_set(why, RCPT_WAITING, 0, "4.4.2", strerror(errno));
		return 0;
	}
	char verdict = s->reply.code >= 500 ? bad : RCPT_WAITING;
	if (s->reply.code / 100 == 2)
		verdict = RCPT_DONE;
	attempt_set(why, verdict, s->reply.code, s->reply.status, s->reply.text.s);
	return verdict == RCPT_DONE;
}

void
send_verify(struct send *s, char const *address, struct attempt *why)
{
	struct smtp_mail mail = {.from = {.text = "", .local = "", .domain = ""}};
	struct smtp_rcpt rcpt = {0};
	arena_reset(&s->arena);
	if (smtp_path_set(&s->arena, address, &rcpt.to) < 0) {
		attempt_set(why, RCPT_WAITING, 0, "4.1.3", "no address");
		return;
	}
	/* RFC 6531 3.2: what it cannot take as a recipient it has not. */
	mail.smtputf8 = rcpt.to.utf8;
	if (rcpt.to.utf8 && !(s->c.ext & EXT_SMTPUTF8)) {
		attempt_set(
		    why, RCPT_FAILED, 0, "5.6.7", "the server takes no addresses outside ASCII");
		return;
	}
	if (s->open) {
		smtp_client_cmd(&s->c, "RSET");
		if (!passes(s, SEND_MAIL_SECONDS, RCPT_WAITING, why))
			return;
	}
	s->open = 1;
	smtp_client_mail(&s->c, &mail, 0);
	/* What it has against null senders, or us, says nothing of the recipient. */
	if (!passes(s, SEND_MAIL_SECONDS, RCPT_WAITING, why))
		return;
	smtp_client_rcpt(&s->c, &rcpt);
	passes(s, SEND_RCPT_SECONDS, RCPT_FAILED, why);
}

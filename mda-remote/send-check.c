#include "mda-remote/send-job.h"

#include <string.h>
#include <time.h>

#include "lib/idna.h"
#include "lib/pread-all.h"
#include "lib/sa.h"
#include "lib/utf8.h"
#include "mda-remote/spool.h"

/* A domain in A-labels serves every peer; the local part has no such form. */
static void
simplify(struct job *j, struct smtp_path *p)
{
	stralloc sa = STRALLOC_ZERO;
	struct smtp_path plain;
	if (p->utf8 && !utf8_has8bit(p->local, strlen(p->local))) {
		char const *at = strrchr(p->text, '@');
		sa_catb(&sa, p->text, (size_t)(at + 1 - p->text));
		if (!idna_to_ascii(&sa, p->domain, strlen(p->domain)) &&
		    !smtp_path_set(&j->s->arena, sa_str(&sa), &plain))
			*p = plain;
	}
	stralloc_free(&sa);
}

static int
header_has_utf8(struct job *j)
{
	char buf[SEND_BLOCK];
	uint64_t at = j->e.offset;
	ssize_t n;
	int newline = 1;
	while (j->e.eightbit && (n = pread_all(j->fd, buf, sizeof buf, at)) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			if ((unsigned char)buf[i] > 127)
				return 1;
			if (newline && buf[i] == '\n')
				return 0;
			newline = buf[i] == '\n';
		}
		at += (uint64_t)n;
	}
	return 0;
}

/* RFC 6531 3.6: what needs SMTPUTF8 cannot go to a server without it. */
static void
check_utf8(struct job *j)
{
	struct attempt why;
	if (!j->e.mail.smtputf8)
		return;
	simplify(j, &j->e.mail.from);
	for (unsigned int i = 0; i < j->count; i++)
		simplify(j, &j->todo[i].r->rcpt.to);
	if (j->s->c.ext & EXT_SMTPUTF8)
		return;
	int all = j->e.mail.from.utf8 || header_has_utf8(j);
	attempt_set(&why, 'f', 0, "5.6.7", "the server takes no internationalized mail (SMTPUTF8)");
	for (unsigned int i = 0; i < j->count; i++)
		if (all || j->todo[i].r->rcpt.to.utf8)
			send_decide(j, j->todo + i, &why);
}

/* RFC 6152 section 3: a server without 8BITMIME gets it in seven bits; RFC 6533 4.5: one without
 * SMTPUTF8 what of it is a message or a report in UTF-8. How much it then is must be known; BDAT
 * needs it to the octet. */
static void
check_8bit(struct job *j)
{
	struct attempt why;
	int const seven = j->e.eightbit && !(j->s->c.ext & EXT_8BITMIME);
	int const global = j->e.eightbit && j->e.mail.smtputf8 && !(j->s->c.ext & EXT_SMTPUTF8);
	if (!seven && !global && !(j->s->c.ext & EXT_CHUNKING))
		return;
	if (((seven || global) &&
		send_text_sevenbit(&j->text, seven ? SEVENBIT_ALL : SEVENBIT_GLOBAL) < 0) ||
	    send_text_size(&j->text, &j->s->arena) < 0) {
		attempt_set(&why, 'w', 0, "4.3.0", "the message cannot be read");
		send_decide_all(j, TODO, &why);
	}
	j->e.mail.size = j->text.size;
}

/* RFC 1870 6.1 */
static void
check_size(struct job *j)
{
	struct attempt why;
	if (!(j->s->c.ext & EXT_SIZE) || !j->s->c.size_limit ||
	    j->e.mail.size <= j->s->c.size_limit)
		return;
	attempt_set(&why, 'f', 0, "5.3.4", "the message is larger than the server takes (SIZE)");
	send_decide_all(j, TODO, &why);
}

/* RFC 2852 4.1.4.2: a server without DELIVERBY, but with DSN, is asked to tell of delays. */
static void
ask_for_delays(struct job *j)
{
	for (unsigned int i = 0; i < j->count; i++) {
		unsigned int *const n = &j->todo[i].r->rcpt.notify;
		if (!*n)
			*n = NOTIFY_FAILURE;
		if (*n != NOTIFY_NEVER)
			*n |= NOTIFY_DELAY;
	}
}

/* RFC 2852 4.1.3, 4.1.4. LMTP is delivery, not relaying. */
static void
check_by(struct job *j)
{
	struct smtp_mail const *m = &j->e.mail;
	struct attempt why;
	int64_t const left = m->by - (int64_t)time(0);
	int const knows = (j->s->c.ext & EXT_DELIVERBY) != 0;
	if (!m->by_mode)
		return;
	if (m->by_mode == BY_NOTIFY) {
		if (!knows && !j->s->lmtp)
			ask_for_delays(j);
		return;
	}
	if (left <= 0)
		attempt_set(&why, 'f', 0, "5.4.7", "it could not be delivered in time (BY)");
	else if (j->s->lmtp)
		return;
	else if (!knows)
		attempt_set(
		    &why, 'f', 0, "5.3.3", "the server cannot deliver by a given time (DELIVERBY)");
	else if (j->s->c.by_min > (uint64_t)left)
		attempt_set(
		    &why, 'f', 0, "5.4.7", "the server wants more time than is left (DELIVERBY)");
	else
		return;
	send_decide_all(j, TODO, &why);
}

void
send_check(struct job *j)
{
	check_by(j);
	check_utf8(j);
	check_8bit(j);
	check_size(j);
}

#include "mda-remote/send-job.h"

#include <errno.h>

#include "mda-remote/spool.h"

static unsigned int
left(struct job const *j)
{
	unsigned int n = 0;
	for (unsigned int i = 0; i < j->count; i++)
		n += j->todo[i].state == TODO;
	return n;
}

static void
find_recipients(struct job *j, uint64_t const *at, unsigned int count)
{
	j->todo = arena_zalloc(&j->s->arena, count * sizeof *j->todo);
	for (unsigned int i = 0, k = 0; i < j->e.count && k < count; i++)
		if (j->e.rcpt[i].at == at[k]) {
			j->todo[j->count++].r = j->e.rcpt + i;
			k++;
		}
}

int
send_mail(struct send *s, int fd, uint64_t const *at, unsigned int count)
{
	struct job j = {.s = s, .fd = fd};
	char const *reason;
	arena_reset(&s->arena);
	tain_now_g();
	tain_addsec_g(&s->job_deadline, SEND_JOB_SECONDS);
	if (spool_read(&s->arena, fd, &j.e, &reason) <= 0)
		return -1;
	j.e.mail.login = 0; /* for our own servers alone */
	j.e.mail.release = 0; /* it has come */
	j.text = (struct send_text){.fd = fd, .offset = j.e.offset, .length = j.e.length};
	find_recipients(&j, at, count);
	send_check(&j);
	/* Each round decides at least one recipient, or ends the connection. */
	for (unsigned int n; (n = left(&j)) && !j.broken;)
		if (send_transaction(&j) < 0 || left(&j) == n)
			break;
	if (left(&j) && !s->stale) {
		errno = ECONNRESET;
		send_lost(&j, "sending the message");
	}
	send_text_close(&j.text);
	return j.broken ? -1 : 0;
}

#include "smtp-recv/tarpit.h"

#include <errno.h>
#include <poll.h>

#include "lib/log.h"
#include "smtp-recv/session.h"

static int
is_slowed(struct session const *s)
{
	return s->set.tarpit_seconds && s->code >= 500 && s->errors > s->set.tarpit_errors &&
	       s->tarpit < s->set.tarpit_total && session_stranger(s);
}

/* Until the deadline, the client's close or the word to end; what the client says meanwhile waits.
 */
static void
wait_before(struct session *s, tain const *deadline)
{
	struct pollfd x[] = {
	    {.fd = s->net.fd_in, .events = POLLRDHUP},
	    {.fd = s->login ? s->login->fd : s->fd_end, .events = POLLIN},
	};
	int r;
	do {
		tain left;
		tain_now_g();
		tain_sub(&left, deadline, &STAMP);
		r = tain_future(deadline) ? poll(x, 2, tain_to_millisecs(&left) + 1) : 0;
	} while (r < 0 && errno == EINTR);
}

void
tarpit(struct session *s)
{
	if (!is_slowed(s))
		return;
	unsigned int const left = s->set.tarpit_total - s->tarpit;
	unsigned int const seconds = left < s->set.tarpit_seconds ? left : s->set.tarpit_seconds;
	if (!s->tarpit) {
		log_event("tarpit");
		log_str("ip", s->peer.remote_ip);
		log_num("errors", s->errors);
		log_send();
	}
	s->tarpit += seconds;
	net_deadline_before(&s->net, seconds, &s->end);
	wait_before(s, &s->net.deadline);
}

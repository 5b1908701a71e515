#include "lib/login-request.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/skalibs-compat.h"

int
login_tls(struct login *l, struct net *n)
{
	static struct login_answer a;
	struct login_request r;
	net_discard(n);
	login_fill(&r, LOGIN_ASK_TLS,
	    &(struct login_credentials){.login = "", .password = "", .mechanism = "-"});
	if (login_ask(l, n, &r, "", 0, &a, UCSPITLS_SECONDS + 10) < 0 || a.verdict != LOGIN_OK) {
		errno = EPROTO;
		return -1;
	}
	if (ucspitls_adopt(n->fd_in, n->fd_out, a.data, a.len) < 0)
		return -1;
	return ndelay_on(n->fd_in) < 0 || ndelay_on(n->fd_out) < 0 ? -1 : 0;
}

int
login_starttls(struct login *l, struct net *n)
{
	if (net_flush(n) < 0)
		return 1;
	if (login_tls(l, n) < 0) {
		/* Nothing more can be said on this connection, in clear least of all. */
		log_event("tls-failed");
		log_send();
		_exit(0);
	}
	return 0;
}

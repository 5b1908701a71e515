/* What IMAP and POP3 do alike before login. */
#include "lib/login.h"

#include <string.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/ucspitls.h"

int
login_starttls(struct net *n)
{
	if (net_flush(n) < 0)
		return 1;
	if (ucspitls_start(n) < 0) {
		/* Nothing more can be said on this connection, in clear least of all. */
		log_event("tls-failed");
		log_send();
		_exit(0);
	}
	return 0;
}

int
login_exchange(
    struct net *n, struct sasl *sasl, enum sasl_status status, login_line_fn *read, void *arg)
{
	char line[SASL_LINE_MAX + 1];
	size_t len;
	while (status == SASL_CONTINUE) {
		net_putf(n, "+ %s\r\n", sasl->challenge);
		switch (read(arg, line, sizeof line, &len)) {
		case NET_LINE:
			status = sasl_step(sasl, line, len);
			break;
		case NET_LONG:
			status = SASL_LONG;
			break;
		default:
			return -1;
		}
	}
	explicit_bzero(line, sizeof line);
	return (int)status;
}

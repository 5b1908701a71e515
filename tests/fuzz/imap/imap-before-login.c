/* An IMAP session before login: lines and literals, LOGIN and AUTHENTICATE, with a parent that refuses everything. */
#include "tests/fuzz/session.h"

#include "imap/login.h"

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	static struct imap_login s;
	if (size > INPUT_MAX)
		return 0;
	instance();
	stand_in_for_client(data, size);
	stand_in_for_parent(&s.login, LOGIN_SESSION);
	net_init(&s.net, 0, 1);
	net_deadline(&s.net, 1);
	s.latest = s.net.deadline;
	s.cleartext = 1;
	s.errors = s.commands = 0;
	imap_login_greet(&s);
	while (s.commands++ < IMAP_LOGIN_COMMANDS_MAX) {
		enum imap_login_read r = imap_login_read(&s);
		if (r == IMAP_LOGIN_END ||
		    (r == IMAP_LOGIN_COMMAND && !(s.row->flags & IMAP_LOGIN_BEFORE_TLS) && s.row->fn(&s)))
			break;
	}
	return 0;
}

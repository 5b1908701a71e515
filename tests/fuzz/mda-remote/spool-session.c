/* spool-recv's LMTP session: what it queues is a spool file that can be read. */
#include "tests/fuzz/session.h"

#include "mda-remote/recv-replies.h"
#include "mda-remote/recv-session.h"

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	static struct recv_session s;
	char line[SMTP_LINE_MAX], *arg;
	size_t len, arg_len;
	struct command const *row;
	if (size > INPUT_MAX)
		return 0;
	if (!s.size_max) {
		instance();
		s.size_max = 20000;
		s.lifetime = 1000;
		s.rcpt_max = 5;
		s.fd_spool = spool_open();
		if (s.fd_spool < 0)
			abort();
	}
	s.state = GREETED;
	s.errors = 0;
	s.ident[0] = s.login[0] = s.hold[0] = 0;
	stand_in_for_client(data, size);
	net_init(&s.net, 0, 1);
	net_deadline(&s.net, 1);
	while (net_getline(&s.net, line, sizeof line, &len) == NET_LINE)
		if (command_check(recv_commands, s.state, line, len, &row, &arg, &arg_len) == COMMAND_OK &&
		    row->fn(&s, arg, arg_len))
			break;
	recv_reset(&s);
	return 0;
}

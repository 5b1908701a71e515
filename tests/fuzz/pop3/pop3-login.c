/* A POP3 session before login: USER and PASS, AUTH and what follows it, with a parent that refuses everything. */
#include "tests/fuzz/session.h"

#include "pop3/login.h"

__attribute__((weak)) enum net_line
pop3_login_read(void *arg, char *line, size_t max, size_t *len)
{
	struct pop3_login *s = arg;
	enum net_line r = net_getline(&s->net, line, max, len);
	return r == NET_ERROR ? NET_EOF : r;
}

__attribute__((weak)) void
pop3_login_error(struct pop3_login *s, char const *reply)
{
	s->errors++;
	net_puts(&s->net, reply);
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	static struct pop3_login s;
	size_t len;
	if (size > INPUT_MAX)
		return 0;
	stand_in_for_client(data, size);
	stand_in_for_parent(&s.login, LOGIN_SESSION);
	net_init(&s.net, 0, 1);
	s.state = POP3_LOGIN_START;
	s.cleartext = 1;
	s.utf8 = 0;
	for (int over = 0; !over && pop3_login_read(&s, s.line, sizeof s.line, &len) == NET_LINE;) {
		struct command const *row;
		char *arg;
		size_t arg_len;
		memcpy(s.raw, s.line, len + 1);
		enum command_verdict v = command_check(pop3_login_commands, s.state, s.line, len, &row, &arg, &arg_len);
		if (v == COMMAND_OK && !(row->flags & POP3_LOGIN_TLS))
			over = row->fn(&s, arg, arg_len);
	}
	return 0;
}

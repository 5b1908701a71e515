/* A ManageSieve session before login, with a parent that refuses everything. */
#include "tests/fuzz/session.h"

#include "managesieve/login.h"

__attribute__((weak)) enum net_line
manage_login_line(void *arg, char *line, size_t max, size_t *len)
{
	struct manage_login *s = arg;
	enum net_line r = net_getline(&s->net, line, max, len);
	return r == NET_ERROR ? NET_EOF : r;
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	static struct manage_login s;
	struct manage_line c;
	char const *why;
	if (size > INPUT_MAX)
		return 0;
	stand_in_for_client(data, size);
	stand_in_for_parent(&s.login, LOGIN_SESSION);
	s.capability = (struct manage_capability){.sieve = "fileinto"};
	s.cleartext = 1;
	s.reader = (struct manage_reader){.net = &s.net,
	    .line = manage_login_line,
	    .arg = &s,
	    .room = s.room,
	    .size = sizeof s.room,
	    .line_max = MANAGE_LOGIN_LINE_MAX,
	    .drop_max = MANAGE_LOGIN_DROP_MAX,
	    .no_room = NO_LITERAL,
	    .late = BYE_LOGIN};
	net_init(&s.net, 0, 1);
	manage_login_greet(&s);
	for (int over = 0; !over;) {
		enum manage_read r = manage_read(&s.reader, MANAGE_VERB, &c, &why);
		over = r == MANAGE_END || (r == MANAGE_COMMAND && manage_login_command(&s, &c));
	}
	return 0;
}

/* What a login program tells the session, over its descriptor or in the environment: tag and command hold to their limits, and the
 * client's input is what came behind them. */
#include "tests/fuzz/session.h"

#include "lib/session.h"

static void
check(struct session_start const *s, struct net const *n, int r)
{
	if (!r && (!*s->tag || !*s->command || strchr(s->tag, ' ') || n->in_end > NET_INSIZE))
		abort();
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	static struct net n;
	struct session_start s;
	int pair[2];
	char number[16];
	if (size > INPUT_MAX || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		return 0;
	if (write(pair[1], data, size) != (ssize_t)size)
		abort();
	shutdown(pair[1], SHUT_WR);
	snprintf(number, sizeof number, "%d", pair[0]);
	setenv("POSTERN_SESSION_FD", number, 1);
	net_init(&n, pair[1], pair[1]);
	check(&s, &n, session_begin(&s, &n));
	close(pair[1]);
	char *text = xstrndup((char const *)data, size);
	setenv("POSTERN_SESSION_START", text, 1);
	net_init(&n, 0, 0);
	check(&s, &n, session_begin(&s, &n));
	free(text);
	return 0;
}

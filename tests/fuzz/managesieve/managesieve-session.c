/* A ManageSieve session after login, over scripts of its own that one input leaves to the next. */
#include "tests/fuzz/session.h"

#include "managesieve/session.h"

static enum net_line
line(void *arg, char *text, size_t max, size_t *len)
{
	struct manage_session *s = arg;
	enum net_line r = net_getline(&s->net, text, max, len);
	return r == NET_ERROR ? NET_EOF : r;
}

static void
prepare(struct manage_session *s)
{
	s->limits = (struct sieve_limits)SIEVE_LIMITS_DEFAULT;
	s->limits.script = 20000;
	s->max_scripts = 5;
	s->max_storage = 30000;
	s->idle = s->seconds = 1;
	s->capability = (struct manage_capability){.sieve = "fileinto", .owner = "a"};
	size_t const size = s->limits.script + 3 * MANAGE_LINE_MAX;
	s->reader = (struct manage_reader){.net = &s->net,
	    .line = line,
	    .arg = s,
	    .room = xmalloc(size),
	    .size = size,
	    .line_max = MANAGE_LINE_MAX,
	    .drop_max = MANAGE_DROP_MAX,
	    .no_room = NO_SIZE,
	    .late = BYE_IDLE};
	if (scripts_open(&s->scripts, instance()) < 0)
		abort();
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	static struct manage_session s;
	struct manage_line c;
	char const *why;
	if (size > INPUT_MAX)
		return 0;
	if (!s.reader.room)
		prepare(&s);
	stand_in_for_client(data, size);
	net_init(&s.net, 0, 1);
	s.errors = 0;
	for (int over = 0; !over; arena_reset(&s.arena)) {
		enum manage_read r = manage_read(&s.reader, MANAGE_VERB, &c, &why);
		over = r == MANAGE_END || (r == MANAGE_COMMAND && manage_command(&s, &c));
	}
	return 0;
}

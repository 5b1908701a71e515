#include "managesieve/read.h"

#include <errno.h>

#include "lib/log.h"
#include "managesieve/replies.h"

void
manage_late(struct manage_reader *r)
{
	log_1("timeout", "during", r->during);
	net_puts(r->net, r->late);
}

/* 0: nothing more can be read. got: what a function of lib/net.h says. */
static int
lost(struct manage_reader *r, ssize_t got)
{
	if (got < 0 && errno == ETIMEDOUT)
		manage_late(r);
	return 0;
}

static int
drop(struct manage_reader *r, size_t size)
{
	char *in;
	while (size) {
		ssize_t n = net_fill(r->net, &in);
		if (n <= 0)
			return lost(r, n);
		size_t part = (size_t)n < size ? (size_t)n : size;
		net_consume(r->net, part);
		size -= part;
	}
	return 1;
}

/* The literal at room[*at]. Where something is wrong already, or it does not fit, its octets are
 * read all the same, lest they be taken for commands. 0: nothing more can be read. */
static int
read_literal(
    struct manage_reader *r, struct manage_line *c, size_t *at, size_t size, char const **why)
{
	if (!*why && size > r->size - r->line_max - *at)
		*why = r->no_room;
	if (*why) {
		if (size <= r->drop_max)
			return drop(r, size);
		net_puts(r->net, BYE_LITERAL);
		return 0;
	}
	int got = net_readall(r->net, r->room + *at, size);
	if (got <= 0)
		return lost(r, got);
	manage_add(c, r->room + *at, size);
	*at += size;
	return 1;
}

enum manage_read
manage_read(
    struct manage_reader *r, enum manage_expect expect, struct manage_line *c, char const **why)
{
	size_t at = 0, len, size;
	*c = (struct manage_line){.expect = expect};
	*why = 0;
	for (;;) {
		char *line = r->room + at;
		switch (r->line(r->arg, line, r->line_max, &len)) {
		case NET_LINE:
			break;
		case NET_LONG:
			/* Whether a literal follows is not known: no next command either. */
			net_puts(r->net, BYE_LONG);
			return MANAGE_END;
		default:
			return MANAGE_END;
		}
		int literal = manage_literal(line, &len, &size);
		if (!*why)
			*why = manage_parse(c, line, len, literal);
		if (!literal)
			return *why ? MANAGE_ERROR : MANAGE_COMMAND;
		if (!*why)
			at += len;
		if (!read_literal(r, c, &at, size, why))
			return MANAGE_END;
	}
}

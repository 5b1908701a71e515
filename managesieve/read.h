/* Reads commands, lines and literals (RFC 5804 1.1 and 4), into room that the program has. */
#ifndef POSTERN_MANAGESIEVE_READ_H
#define POSTERN_MANAGESIEVE_READ_H

#include "lib/net.h"
#include "managesieve/parse.h"

struct manage_reader {
	struct net *net;
	/* The next line: NET_LINE, NET_LONG, or NET_EOF when nothing more can be read and the last
	 * words are said. */
	enum net_line (*line)(void *arg, char *line, size_t max, size_t *len);
	void *arg;
	char *room; /* for one command: size octets, of them line_max for each line */
	size_t size, line_max;
	size_t drop_max; /* a literal for which there is no room is read and dropped up to here */
	char const *no_room; /* the reply then */
	char const *late;    /* the last words where something does not come in time */
	char const *during;  /* what the log then says */
};

/* Says the last words, and tells the log. */
void manage_late(struct manage_reader *r);

enum manage_read {
	MANAGE_END,	/* nothing more can be read, last words are said */
	MANAGE_COMMAND, /* c holds it; it stands in the room until the next call */
	MANAGE_ERROR,	/* it is read to its end; *why is the reply */
};
/* Reads a command, or with MANAGE_STRING a string alone. */
enum manage_read manage_read(
    struct manage_reader *r, enum manage_expect expect, struct manage_line *c, char const **why);

#endif

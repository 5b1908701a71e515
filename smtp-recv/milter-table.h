/* etc/milters: the filters of this service, in their order. One line each:
 *     NAME SOCKET [OPTION...]
 * SOCKET is unix:PATH (below the instance unless absolute) or inet:ADDRESS:PORT; man/smtp-recv.8
 * has the options. */
#ifndef SMTP_RECV_MILTER_TABLE_H
#define SMTP_RECV_MILTER_TABLE_H

#include <stddef.h>
#include <skalibs/ip46.h>

#include "lib/arena.h"

enum milter_failure {
	MILTER_FAILS_TEMP,
	MILTER_FAILS_ACCEPT,
	MILTER_FAILS_REJECT,
	MILTER_FAILS_QUARANTINE,
};

/* Which of a filter's deadlines: to connect and agree, for one answer, from the message's first
 * octet to the verdict. */
enum milter_wait { MILTER_WAIT_CONNECT, MILTER_WAIT_COMMAND, MILTER_WAIT_MESSAGE, MILTER_WAITS };

struct milter_entry {
	char const *name;
	char const *path; /* null: ip and port */
	ip46 ip;
	uint16_t port;
	unsigned int seconds[MILTER_WAITS];
	enum milter_failure failure;
};

/* Those that the table has for a service ("smtp", "submission", "relay", "local"); a bad line ends
 * the program with exit 100. Their number, at most MILTERS_MAX. */
size_t milter_table(char const *service, struct milter_entry **entries);
/* One line, whose texts are then in a: 1 it is for this service; 0 for others; -1 with *why: it is
 * bad. */
int milter_entry_parse(struct arena *a, char const *line, char const *service,
    struct milter_entry *e, char const **why);

#endif

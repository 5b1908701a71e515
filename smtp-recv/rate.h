/* How often something may happen, per address, network and user, over all connections: the lines of
 * etc/smtp-rates. What has happened stands in state/rates (lib/state-table.h): for each key one
 * time, so that nothing has to be pruned. */
#ifndef SMTP_RECV_RATE_H
#define SMTP_RECV_RATE_H

#include <stddef.h>
#include <stdint.h>

struct session;

enum rate_what {
	RATE_CONNECTIONS, /* those of a user: authentications */
	RATE_COMMANDS,
	RATE_ERRORS,	 /* 5xx replies */
	RATE_MESSAGES,	 /* MAIL commands that were taken */
	RATE_RECIPIENTS, /* that were found to exist */
};
enum rate_per { RATE_ADDRESS, RATE_NETWORK, RATE_USER };

struct rate {
	enum rate_what what;
	enum rate_per per;
	uint32_t count, seconds; /* so many at once, and then so many in so many seconds */
};

/* rate-table.c. Reads etc/smtp-rates: how many there are. A bad line is exit 100. */
size_t rate_table(struct rate **rates);
/* One line: 0, or -1 where it is bad. */
int rate_parse(char const *line, struct rate *r);
char const *rate_what_word(enum rate_what what);
char const *rate_per_word(enum rate_per per);

/* Counts one for every limit that this session is under. 1: one of them is reached, and the reply
 * is said and logged; not counted then. Strangers are counted by address and network until they
 * have authenticated, whoever is known by name as user, trusted clients and this host not at all.
 */
int rate_reached(struct session *s, enum rate_what what);
/* When a client connects: its connections, and no errors left from before. */
int rate_refuses_client(struct session *s);

/* The rule by itself, for one key's bucket and the time in milliseconds since 1970: 0 there is
 * room, and if `take` one of it is taken, else milliseconds until there is some. */
uint64_t rate_step(struct rate const *r, uint64_t *bucket, uint32_t tag, uint64_t now, int take);

#endif

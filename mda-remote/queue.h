/* The spool as administrators see it: what waits, why, and what is to be done with it. */
#ifndef POSTERN_MDA_REMOTE_QUEUE_H
#define POSTERN_MDA_REMOTE_QUEUE_H

#include <stdint.h>

#include "mda-remote/attempt.h"
#include "mda-remote/envelope.h"

/* A queued message, as long as a callback looks at it. */
struct queued {
	char const *name;
	char const *damaged; /* why it cannot be read, and then nothing else is known; or null */
	struct envelope e;
	int64_t due; /* seconds since 1970 */
	int held;    /* nobody sends it until it is released */
	struct why why;
	int fd; /* for reading */
};
typedef void queue_fn(void *arg, struct queued const *q);

/* Calls fn for each message, in no order. Those that are delivered meanwhile may be missing. */
void queue_each(int fd_spool, queue_fn *fn, void *arg);
/* The same for one: 0, or -1 if there is none of this name. */
int queue_one(int fd_spool, char const *name, queue_fn *fn, void *arg);

/* ---- what messages are meant (queue-select.c) ---- */

struct queue_select {
	char const *sender;    /* address, or "@domain" and all below it; "" is <>; null any */
	char const *login;     /* of who handed it in: whole, or "@domain"; "" is nobody */
	char const *recipient; /* of one that still waits: the same */
	char const *domain;    /* of one that still waits, and all below it */
	int64_t age;	       /* seconds at least since it came */
};
int queue_selected(struct queue_select const *s, struct queued const *q);
/* "90", "15m", "3h", "2d": seconds; -1 if it is none. */
int64_t queue_span(char const *s);

/* ---- what the walker says (queue-state.c) ---- */

/* A destination, as the walker sees it. */
struct queue_dest {
	struct queue_dest *next; /* of the same hash */
	char *key;		 /* route_key */
	size_t waiting;		 /* messages */
	unsigned int sending, connections;
	unsigned int limit; /* connections that it may have now */
	unsigned int failures;
	int resolving;
	int64_t rests_until; /* seconds since 1970; 0 it does not */
	int rested;	     /* last is known */
	struct attempt last; /* why it rests */
};
/* Asks the walker. 0; -1 if it does not answer: then nothing is known. */
int queue_state(int fd_spool);
/* The destination of mail to a domain with this sender and login, or null. mail null: as it is for
 * most, from <>. */
struct queue_dest const *queue_dest(char const *domain, struct smtp_mail const *mail);
/* Why a recipient in this domain waits, and when (seconds since 1970) it is tried next. */
enum queue_waits { QUEUE_HELD, QUEUE_SENDING, QUEUE_RESTS, QUEUE_LATER, QUEUE_TURN, QUEUE_DUE };
enum queue_waits queue_waits(
    struct queued const *q, char const *domain, int64_t now, int64_t *next);
extern char const *const queue_waits_word[];

/* ---- showing (queue-show.c) ---- */

/* For people: a line with id, size, age, next try, sender, login, then each recipient. Controls
 * become
 * "?": replies come from strangers. */
void queue_show(struct queued const *q);
/* One JSON object on a line. */
void queue_show_json(struct queued const *q);

/* What waits for a domain, all messages together. */
struct queue_domain {
	struct queue_domain *next; /* of the same hash */
	char *name;
	uint64_t waiting; /* recipients */
	int64_t oldest, due;
	struct attempt last; /* the newest that is known; text "" if none */
	int64_t last_due;
};
#define QUEUE_DOMAIN_HASH 16384
struct queue_domains {
	struct queue_domain *hash[QUEUE_DOMAIN_HASH];
};
void queue_domains_add(struct queue_domains *all, struct queued const *q);
void queue_domains_show(struct queue_domains const *all, int json);

/* ---- orders (order.c): what is done to a message, by mda-remote while it runs, else by whoever
 * holds the spool's lock ---- */

enum order {
	ORDER_RETRY,   /* tried now */
	ORDER_HOLD,    /* kept, not sent: its file is read-only (0400) */
	ORDER_RELEASE, /* no longer held; or its time has come; tried now */
	ORDER_DELETE,  /* removed, nobody is told */
	ORDER_BOUNCE,  /* those who wait have failed for good; the sender is told */
	ORDERS
};
extern char const *const order_word[ORDERS];
/* The order of "!WORD" or "!WORD NAME", with *name at NAME or null; -1 if it is none. */
int order_parse(char const *line, char const **name);
/* Does to the file what the order says, durably. 0; -1 and errno (ENOENT: no such message). RETRY
 * needs nothing done. */
int order_file(int fd_spool, char const *name, enum order o);

#endif

/* What is in the spool and when it is tried next: all in memory, rebuilt from the spool at any
 * time. A message costs less than 200 bytes. Times are milliseconds since 1970. Pure: no files. */
#ifndef POSTERN_MDA_REMOTE_SCHEDULE_H
#define POSTERN_MDA_REMOTE_SCHEDULE_H

#include <stddef.h>
#include <stdint.h>

#define SCHEDULE_NEVER INT64_MAX /* due: it is held */

/* The names stand in the struct's padding: the order of the fields saves 16 bytes a message. */
struct message {
	struct message *next; /* of the same hash */
	union {
		struct active *active; /* MESSAGE_ACTIVE: what is read in of it (walk.h) */
		struct row *row;       /* MESSAGE_PARKED: where (lane.h) */
	};
	struct message *newer, *older; /* MESSAGE_PARKED */
	int64_t due, arrival;
	uint32_t place; /* in its heap */
	/* What was learnt when it was read in last; 0: it was not. */
	uint32_t sender, destination; /* hashes; no destination if it has several */
	uint32_t must; /* seconds since 1970: it is read in then, whatever its destination does */
	uint32_t
	    round; /* the same: since then its recipients have been tried; 0: none is owed a try */
	uint8_t where; /* enum message_where */
	uint8_t whole; /* it is known to be: its writer has told of it, or it was looked through */
	char name[];
};
/* A parked one is also in the heap of those that are due later: at `must`. */
enum message_where { MESSAGE_LATER, MESSAGE_READY, MESSAGE_ACTIVE, MESSAGE_PARKED };

struct schedule {
	struct message **hash;
	size_t hash_size, count;
	struct heap {
		struct message **m;
		size_t count, room;
		int (*before)(struct message const *a, struct message const *b);
	} later,   /* by due: soonest first */
	    ready; /* is due: newest arrival first */
};

void schedule_init(struct schedule *s);
struct message *schedule_find(struct schedule *s, char const *name);
/* Adds a message that is not there yet. */
struct message *schedule_add(struct schedule *s, char const *name, int64_t due, int64_t arrival);
/* Puts m, whatever it was, where it is tried at `due`. */
void schedule_at(struct schedule *s, struct message *m, int64_t due);
/* Parks m, until somebody claims it or m->must has come (not if that is 0 or was before `now`). */
struct lane;
void schedule_park(struct schedule *s, struct message *m, struct lane *l, int64_t now);
/* Takes m from wherever it is: it is then MESSAGE_ACTIVE. */
void schedule_claim(struct schedule *s, struct message *m);
void schedule_remove(struct schedule *s, struct message *m);
/* Takes the newest message that is due now; null if there is none. It is then MESSAGE_ACTIVE. */
struct message *schedule_take(struct schedule *s, int64_t now);
/* When something is due: 0 if something is already, INT64_MAX if nothing ever. */
int64_t schedule_next(struct schedule const *s);
/* Everything that is neither held nor parked is due now. */
void schedule_all(struct schedule *s, int64_t now);

/* How long to wait after an attempt for a message of this age: as long again as it has waited,
 * within [min, max], 10 % more or less by `random`, so that what came together does not come back
 * together. */
int64_t backoff_message(int64_t age, uint64_t min, uint64_t max, uint32_t random);
/* How long a destination rests after this many failures in a row: min, 2 min, 4 min, ... max. */
int64_t backoff_host(unsigned int failures, uint64_t min, uint64_t max, uint32_t random);

#endif

/* What is in the spool and when it is tried next: all in memory, rebuilt from the spool at any
 * time. A message costs about 100 bytes. Times are milliseconds since 1970. Pure: no files. */
#ifndef POSTERN_MDA_REMOTE_SCHEDULE_H
#define POSTERN_MDA_REMOTE_SCHEDULE_H

#include <stddef.h>
#include <stdint.h>

#define SCHEDULE_NEVER INT64_MAX /* due: it is held */

struct message {
	struct message *next;  /* of the same hash */
	struct active *active; /* while it is read in for delivery (active.h) */
	int64_t due, arrival;
	uint32_t place; /* in its heap */
	enum { MESSAGE_LATER, MESSAGE_READY, MESSAGE_ACTIVE } where;
	char name[];
};

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
void schedule_remove(struct schedule *s, struct message *m);
/* Takes the newest message that is due now; null if there is none. It is then MESSAGE_ACTIVE. */
struct message *schedule_take(struct schedule *s, int64_t now);
/* When something is due: 0 if something is already, INT64_MAX if nothing ever. */
int64_t schedule_next(struct schedule const *s);
/* Everything that is not held is due now. */
void schedule_all(struct schedule *s, int64_t now);

/* How long to wait after an attempt for a message of this age: as long again as it has waited,
 * within [min, max], 10 % more or less by `random`, so that what came together does not come back
 * together. */
int64_t backoff_message(int64_t age, uint64_t min, uint64_t max, uint32_t random);
/* How long a destination rests after this many failures in a row: min, 2 min, 4 min, ... max. */
int64_t backoff_host(unsigned int failures, uint64_t min, uint64_t max, uint32_t random);

#endif

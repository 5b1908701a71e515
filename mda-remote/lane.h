/* Messages that are due but wait for their destination, without being read in: parked. A lane is a
 * destination's; in it every sender has a row, and the rows take turns, so that nobody's mailing is
 * in front of another's message. Pure: no files. */
#ifndef POSTERN_MDA_REMOTE_LANE_H
#define POSTERN_MDA_REMOTE_LANE_H

#include <stddef.h>
#include <stdint.h>

struct message;

/* Zero at first. */
struct lane {
	struct row *turn; /* the sender whose turn it is; null: empty */
	size_t count;	  /* messages */
};

/* Puts m into the row of its sender, about newest first. */
void lane_put(struct lane *l, struct message *m);
/* Takes m out of the lane that it is in. */
void lane_drop(struct message *m);
/* The next one, of the first sender that may; it stays in until lane_drop. Null: none may. The turn
 * is then behind that sender. */
struct message *lane_next(struct lane *l, int (*may)(uint32_t sender));

#endif

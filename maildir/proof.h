/* Proof that nobody but us changed a directory: while it is watched, every change makes an event,
 * and we know how many of them are ours. */
#ifndef POSTERN_MAILDIR_PROOF_H
#define POSTERN_MAILDIR_PROOF_H

#include <stdint.h>

struct proof {
	int fd; /* inotify; -1: not watching */
	uint64_t expected, seen;
	int broken; /* others changed it, or events were lost */
};
/* clang-format off */
#define PROOF_ZERO {-1, 0, 0, 0}
/* clang-format on */

/* Begins to watch dir/sub. 0, or -1: it cannot be watched (limits, network file system). */
int proof_begin(struct proof *p, char const *dir, char const *sub);
/* We made so many events. */
void proof_expect(struct proof *p, unsigned int events);
/* 1 if up to now all changes were ours. */
int proof_holds(struct proof *p);
void proof_end(struct proof *p);

#endif

/* The parsers of mda-local -l: copies of a zygote (lib/zygote.h), confined once for all of them. */
#ifndef POSTERN_MDA_LOCAL_PARSERS_H
#define POSTERN_MDA_LOCAL_PARSERS_H

#include <stdint.h>
#include <sys/types.h>

#include "lib/zygote.h"

struct parsers {
	pid_t *pid;
	unsigned int count;
	struct zygote zygote;
	uint32_t generation;
	int64_t until; /* then its settings are no longer taken for granted */
};

/* For `max` at a time. */
void parsers_init(struct parsers *p, unsigned int max);
/* One more, for the connection fd; what it gets is still the caller's, too. `generation`: another
 * one than before where settings may have changed. Its process, or -1 with errno. */
pid_t parsers_add(struct parsers *p, uint32_t generation, int fd, int fd_channel);
/* Whether this process, which has ended, was one. */
int parsers_bury(struct parsers *p, pid_t pid);

#endif

#include "lib/id.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/sa.h"

/* No vowels that spell words, digits first so that ids sort by time. */
static char const digits[32] = "0123456789bcdfghjklmnpqrstvwxyz_";

static char *
base32(char *s, uint64_t n, int width)
{
	for (int i = width - 1; i >= 0; i--, n >>= 5)
		s[i] = digits[n & 31];
	return s + width;
}

void
id_new(char id[static ID_MAX + 1])
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	uint64_t usec = (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
	char *s = base32(id, usec, 11);
	s = base32(s, (uint64_t)getpid(), 5);
	*s = 0;
}

int
id_valid(char const *s)
{
	size_t n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-");
	return n && n <= ID_MAX && !s[n];
}

char const *
id_connection(void)
{
	static char id[ID_MAX + 1];
	if (id[0])
		return id;
	char const *given = getenv("POSTERN_ID");
	if (given && id_valid(given))
		strcpy(id, given);
	else {
		id_new(id);
		if (setenv("POSTERN_ID", id, 1) < 0)
			sa_nomem();
	}
	return id;
}

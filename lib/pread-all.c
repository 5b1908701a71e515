#include "lib/pread-all.h"

#include <errno.h>
#include <unistd.h>

ssize_t
pread_all(int fd, char *s, size_t n, uint64_t at)
{
	size_t have = 0;
	while (have < n) {
		ssize_t r = pread(fd, s + have, n - have, (off_t)(at + have));
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -1;
		if (!r)
			break;
		have += (size_t)r;
	}
	return (ssize_t)have;
}

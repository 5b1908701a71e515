#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mda-local/alias-include.h"
#include "mda-local/limits.h"

int
include_open(char const *path)
{
	struct stat st;
	if (*path != '/') {
		errno = EINVAL;
		return -1;
	}
	/* A fifo must not make us wait. */
	int const fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	int e = 0;
	if (fstat(fd, &st) < 0)
		e = errno;
	else if (!S_ISREG(st.st_mode))
		e = EINVAL;
	else if (st.st_mode & S_IWOTH)
		e = EPERM;
	else if (st.st_size > MDA_INCLUDE_SIZE)
		e = EFBIG;
	if (!e)
		return fd;
	close(fd);
	errno = e;
	return -1;
}

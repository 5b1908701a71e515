#include "bin/tls-file.h"

#include <string.h>

static int
same_time(struct timespec const *a, struct timespec const *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

int
tls_file_changed(struct tls_file *f)
{
	struct stat now, was = f->seen;
	int first = !f->looked;
	f->looked = 1;
	if (!f->path || stat(f->path, &now) < 0)
		memset(&now, 0, sizeof now);
	f->seen = now;
	return first || now.st_dev != was.st_dev || now.st_ino != was.st_ino ||
	       now.st_size != was.st_size || !same_time(&now.st_mtim, &was.st_mtim) ||
	       !same_time(&now.st_ctim, &was.st_ctim);
}

int
tls_file_exists(struct tls_file const *f)
{
	return f->seen.st_ino != 0;
}

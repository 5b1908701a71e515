#include "mda-remote/queue.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mda-remote/spool.h"

int
queue_one(int fd_spool, char const *name, queue_fn *fn, void *arg)
{
	struct arena arena = ARENA_ZERO;
	struct queued q = {.name = name, .why = WHY_ZERO};
	struct stat st;
	q.fd = spool_file_open(fd_spool, name, O_RDONLY);
	if (q.fd < 0)
		return -1;
	q.damaged = "it cannot be read";
	if (!fstat(q.fd, &st) && spool_read(&arena, q.fd, &q.e, &q.damaged) > 0) {
		q.damaged = 0;
		q.due = st.st_mtime;
		q.held = !(st.st_mode & 0200);
		why_load(fd_spool, name, &q.why);
	}
	fn(arg, &q);
	close(q.fd);
	arena_free(&arena);
	why_free(&q.why);
	return 0;
}

void
queue_each(int fd_spool, queue_fn *fn, void *arg)
{
	for (unsigned int i = 0; i < SPOOL_HASHES; i++) {
		int fd = spool_part_open(fd_spool, i);
		DIR *dir = fd < 0 ? 0 : fdopendir(fd);
		if (!dir)
			continue;
		for (struct dirent *d; (d = readdir(dir));)
			if (spool_name_valid(d->d_name))
				queue_one(fd_spool, d->d_name, fn, arg);
		closedir(dir);
	}
}

#include "mda-remote/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/durable.h"
#include "lib/id.h"
#include "lib/sa.h"

static void
put_all(struct spool_file *f, char const *s, size_t n)
{
	if (!f->error && durable_write(f->fd, s, n) < 0)
		f->error = errno;
}

void
spool_write(struct spool_file *f, char const *s, size_t n)
{
	if (f->used + n > sizeof f->buffer) {
		put_all(f, f->buffer, f->used);
		f->used = 0;
	}
	if (n > sizeof f->buffer)
		put_all(f, s, n);
	else {
		memcpy(f->buffer + f->used, s, n);
		f->used += n;
	}
}

int
spool_begin(struct spool_file *f, int fd_spool, struct envelope *e, char const *name)
{
	char id[ID_MAX + 1];
	stralloc text = STRALLOC_ZERO;
	id_new(id);
	f->fd_spool = fd_spool;
	f->used = 0;
	f->error = 0;
	snprintf(f->tmp, sizeof f->tmp, "tmp/%s", name ? name : id);
	if (name)
		unlinkat(fd_spool, f->tmp, 0);
	f->fd = openat(fd_spool, f->tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (f->fd < 0)
		return -1;
	envelope_format(&text, e);
	spool_write(f, text.s, text.len);
	stralloc_free(&text);
	return 0;
}

int
spool_finish(struct spool_file *f, struct envelope *e)
{
	char sizes[ENVELOPE_SIZES_LEN + 1];
	put_all(f, f->buffer, f->used);
	f->used = 0;
	off_t end = lseek(f->fd, 0, SEEK_CUR);
	if (end < 0 && !f->error)
		f->error = errno;
	e->length = (uint64_t)end - e->offset;
	envelope_sizes(sizes, e);
	if (!f->error &&
	    pwrite(f->fd, sizes, ENVELOPE_SIZES_LEN, ENVELOPE_SIZES_AT) != ENVELOPE_SIZES_LEN)
		f->error = errno;
	errno = f->error;
	return f->error ? -1 : 0;
}

void
spool_abort(struct spool_file *f)
{
	int e = errno;
	unlinkat(f->fd_spool, f->tmp, 0);
	close(f->fd);
	f->fd = -1;
	errno = e;
}

/* It is where it belongs (0), or goes (-1): r. */
static int
end(struct spool_file *f, int r)
{
	if (r < 0)
		spool_abort(f);
	else
		close(f->fd);
	f->fd = -1;
	return r;
}

/* Links into the hashed directory of `name`. */
static int
link_as(struct spool_file *f, char const *name)
{
	int fd_dir = spool_part_open(f->fd_spool, spool_part(name));
	if (fd_dir < 0)
		return -1;
	int r = durable_link(f->fd, f->fd_spool, f->tmp, fd_dir, name), e = errno;
	close(fd_dir);
	errno = e;
	return r;
}

int
spool_commit(struct spool_file *f, char const *name, char got[static SPOOL_NAME_MAX + 1])
{
	int r = -1;
	errno = EEXIST;
	for (unsigned int i = 1; r < 0 && errno == EEXIST && i <= SPOOL_SAME_NAME; i++) {
		snprintf(got, SPOOL_NAME_MAX + 1, i == 1 ? "%s" : "%s-%u", name, i);
		r = link_as(f, got);
	}
	return end(f, r);
}

int
spool_park(struct spool_file *f)
{
	int fd_tmp = openat(f->fd_spool, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd_tmp < 0 || durable_file(f->fd) < 0 || durable_dir(fd_tmp) < 0 ? -1 : 0;
	int e = errno;
	if (fd_tmp >= 0)
		close(fd_tmp);
	errno = e;
	return end(f, r);
}

int
spool_publish(int fd_spool, char const *name)
{
	char tmp[SPOOL_NAME_MAX + 5], path[SPOOL_PATH_MAX];
	snprintf(tmp, sizeof tmp, "tmp/%s", name);
	spool_path(path, name, "");
	if (renameat(fd_spool, tmp, fd_spool, path) < 0)
		return -1;
	int fd_dir = spool_part_open(fd_spool, spool_part(name));
	if (fd_dir < 0)
		return -1;
	int r = durable_dir(fd_dir);
	close(fd_dir);
	return r;
}

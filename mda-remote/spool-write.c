#include "mda-remote/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <skalibs/stralloc.h>

#include "lib/crc32c.h"
#include "lib/durable.h"
#include "lib/id.h"

/* The file's next octets. The first ones are the envelope's, beyond its sizes. */
static void
put(struct spool_file *f, char const *s, size_t n)
{
	size_t const skip = f->length ? 0 : ENVELOPE_SUMMED_AT;
	f->sum = crc32c(f->sum, s + skip, n - skip);
	f->length += n;
	if (!f->error && durable_write(f->fd, s, n) < 0)
		f->error = errno;
}

void
spool_write(struct spool_file *f, char const *s, size_t n)
{
	if (f->used + n > sizeof f->buffer && f->used) {
		put(f, f->buffer, f->used);
		f->used = 0;
	}
	if (n > sizeof f->buffer)
		put(f, s, n);
	else {
		memcpy(f->buffer + f->used, s, n);
		f->used += n;
	}
}

/* Where it is written: where its name will lead, so that giving it that name touches one directory
 * and writers seldom wait for one another. */
static void
temporary_name(struct spool_file *f, char const *id)
{
	char own[ID_MAX + 1];
	id_new(own);
	snprintf(f->tmp, sizeof f->tmp, "%x/.%s", spool_part(id), own);
}

int
spool_begin(struct spool_file *f, int fd_spool, struct envelope *e, char const *name)
{
	stralloc text = STRALLOC_ZERO;
	f->fd_spool = fd_spool;
	f->used = 0;
	f->length = 0;
	f->sum = 0;
	f->error = 0;
	if (name) {
		snprintf(f->tmp, sizeof f->tmp, "tmp/%s", name);
		unlinkat(fd_spool, f->tmp, 0);
	} else
		temporary_name(f, e->id);
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
	int const small = !f->length; /* all of it is in the buffer: one write will do */
	size_t const skip = small ? ENVELOPE_SUMMED_AT : 0;
	e->length = f->length + f->used - e->offset;
	e->sum = crc32c(f->sum, f->buffer + skip, f->used - skip);
	e->summed = 1;
	envelope_sizes(sizes, e);
	if (small)
		memcpy(f->buffer + ENVELOPE_SIZES_AT, sizes, ENVELOPE_SIZES_LEN);
	put(f, f->buffer, f->used);
	f->used = 0;
	if (!f->error && !small &&
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

static int
publish_as(struct spool_file *f, char const *name)
{
	int fd_dir = spool_part_open(f->fd_spool, spool_part(name));
	if (fd_dir < 0)
		return -1;
	int r = durable_publish(f->fd, f->fd_spool, f->tmp, fd_dir, name), e = errno;
	close(fd_dir);
	errno = e;
	return r;
}

int
spool_commit(struct spool_file *f, char const *name, char got[static SPOOL_NAME_MAX + 1])
{
	int r = -1;
	/* It has its name before the sync, and is lent until then: a walker that comes along must
	 * not send what may be refused in the end. */
	if (flock(f->fd, LOCK_SH | LOCK_NB) < 0)
		return end(f, -1);
	errno = EEXIST;
	for (unsigned int i = 1; r < 0 && errno == EEXIST && i <= SPOOL_SAME_NAME; i++) {
		snprintf(got, SPOOL_NAME_MAX + 1, i == 1 ? "%s" : "%s-%u", name, i);
		r = publish_as(f, got);
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

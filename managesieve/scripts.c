#include "managesieve/scripts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <skalibs/tai.h>
#include <skalibs/iopause.h>

#include "lib/durable.h"
#include "lib/id.h"
#include "lib/sa.h"
#include "managesieve/limits.h"
#include "managesieve/scripts-list.h"
#include "sieve/sieve.h"

#define LOCK_POLL_MS 20

/* Where a script is: the directory's descriptor (s->fd, or one of its own, closed by leave) and the
 * file's name in it. */
struct place {
	int fd;
	char *name;
	stralloc path;
};

static void
leave(struct scripts const *s, struct place *p)
{
	int e = errno;
	if (p->fd >= 0 && p->fd != s->fd)
		close(p->fd);
	stralloc_free(&p->path);
	errno = e;
}

/* One directory further; made: with it where it is missing, durably. Closes the one before. */
static int
descend(struct scripts const *s, int fd, char const *name, int make)
{
	int made = make && !mkdirat(fd, name, 0700);
	int below = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (below >= 0 && made && durable_dir(fd) < 0) {
		close(below);
		below = -1;
	}
	int e = errno;
	if (fd != s->fd)
		close(fd);
	errno = e;
	return below;
}

static int
find_place(struct scripts const *s, struct place *p, char const *name, size_t len, int make)
{
	*p = (struct place){.fd = s->fd, .path = STRALLOC_ZERO};
	sieve_name_file(&p->path, name, len);
	char *slash, *at = sa_str(&p->path);
	for (; p->fd >= 0 && (slash = strchr(at, '/')); at = slash + 1) {
		*slash = 0;
		p->fd = descend(s, p->fd, at, make);
		*slash = '/';
	}
	p->name = at;
	if (p->fd >= 0)
		return 0;
	leave(s, p);
	return -1;
}

/* What sieve_file_load has kept beside a script that is no longer what it was. */
static void
forget_code(struct place const *p)
{
	stralloc file = STRALLOC_ZERO;
	sa_copys(&file, p->name);
	sa_cats(&file, SIEVE_CODE_SUFFIX);
	unlinkat(p->fd, sa_str(&file), 0);
	stralloc_free(&file);
}

static int
is_active(struct scripts const *s, struct place const *p)
{
	stralloc file = STRALLOC_ZERO;
	int yes = active_read(&s->active, &file) == ACTIVE_SCRIPT && !strcmp(file.s, p->path.s);
	stralloc_free(&file);
	return yes;
}

static int
read_file(int fd, size_t max, stralloc *text)
{
	for (;;) {
		sa_room(text, 65536);
		ssize_t n = read(fd, text->s + text->len, 65536);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return (int)n;
		text->len += (size_t)n;
		if (text->len > max) {
			errno = EFBIG;
			return -1;
		}
	}
}

int
scripts_read(struct scripts const *s, char const *name, size_t len, size_t max, stralloc *text)
{
	struct place p;
	struct stat st;
	if (find_place(s, &p, name, len, 0) < 0)
		return -1;
	/* What is no plain file may keep one waiting. */
	int fd = openat(p.fd, p.name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	leave(s, &p);
	if (fd < 0)
		return -1;
	int r = -1;
	if (!fstat(fd, &st) && !S_ISREG(st.st_mode))
		errno = ENOENT;
	else
		r = read_file(fd, max, text);
	int e = errno;
	close(fd);
	errno = e;
	return r;
}

/* A new file in tmp/ with this text, synced: 0 or -1. */
static int
write_aside(struct scripts const *s, char const *tmp, char const *text, size_t n)
{
	int fd = openat(s->fd_tmp, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	int r = durable_write(fd, text, n) < 0 || durable_file(fd) < 0 ? -1 : 0, e = errno;
	close(fd);
	errno = e;
	return r;
}

int
scripts_put(struct scripts const *s, char const *name, size_t len, char const *text, size_t n)
{
	struct place p;
	char tmp[ID_MAX + 1];
	id_new(tmp);
	if (find_place(s, &p, name, len, 1) < 0)
		return -1;
	int r = write_aside(s, tmp, text, n);
	if (!r)
		r = renameat(s->fd_tmp, tmp, p.fd, p.name);
	int e = errno;
	if (r < 0)
		unlinkat(s->fd_tmp, tmp, 0);
	errno = e;
	if (!r)
		r = durable_dir(p.fd);
	leave(s, &p);
	return r;
}

/* Directories of a long name that hold nothing any more. */
static void
remove_empty(struct scripts const *s, struct place *p)
{
	char *slash;
	while ((slash = strrchr(p->path.s, '/'))) {
		*slash = 0;
		if (unlinkat(s->fd, p->path.s, AT_REMOVEDIR) < 0)
			return;
	}
}

static int
remove_at(struct scripts const *s, struct place *p)
{
	if (unlinkat(p->fd, p->name, 0) < 0)
		return -1;
	forget_code(p);
	int r = durable_dir(p->fd);
	remove_empty(s, p);
	return r;
}

int
scripts_remove(struct scripts const *s, char const *name, size_t len)
{
	struct place p;
	struct stat st;
	if (find_place(s, &p, name, len, 0) < 0)
		return -1;
	int r = fstatat(p.fd, p.name, &st, AT_SYMLINK_NOFOLLOW);
	if (!r && is_active(s, &p)) {
		errno = EBUSY;
		r = -1;
	}
	if (!r)
		r = remove_at(s, &p);
	leave(s, &p);
	return r;
}

/* The new name, then the link, then the old name goes: no moment is without the active script. */
static int
rename_at(struct scripts const *s, struct place *from, struct place *to)
{
	if (linkat(from->fd, from->name, to->fd, to->name, 0) < 0)
		return -1;
	int r = durable_dir(to->fd);
	if (!r && is_active(s, from))
		r = active_set(&s->active, to->path.s);
	if (r < 0) {
		int e = errno;
		/* It may have been done all the same, and not been told. */
		if (!is_active(s, to))
			unlinkat(to->fd, to->name, 0);
		errno = e;
		return -1;
	}
	return remove_at(s, from);
}

int
scripts_rename(
    struct scripts const *s, char const *from, size_t from_len, char const *to, size_t to_len)
{
	struct place one, two;
	struct stat st;
	if (find_place(s, &one, from, from_len, 0) < 0)
		return -1;
	int r = fstatat(one.fd, one.name, &st, 0);
	if (!r)
		r = find_place(s, &two, to, to_len, 1);
	if (!r) {
		r = rename_at(s, &one, &two);
		leave(s, &two);
	}
	leave(s, &one);
	return r;
}

int
scripts_activate(struct scripts const *s, char const *name, size_t len)
{
	struct place p;
	struct stat st;
	if (!len)
		return active_set(&s->active, 0);
	if (find_place(s, &p, name, len, 0) < 0)
		return -1;
	int r = fstatat(p.fd, p.name, &st, 0);
	if (!r)
		r = active_set(&s->active, p.path.s);
	leave(s, &p);
	return r;
}

int
scripts_adopt(struct scripts const *s)
{
	stralloc file = STRALLOC_ZERO;
	int kind = active_read(&s->active, &file), r = kind < 0 ? -1 : 0;
	if (kind == ACTIVE_FILE) {
		scripts_spare_file(s, &file);
		r = active_adopt(&s->active, sa_str(&file));
	}
	stralloc_free(&file);
	return r;
}

int
scripts_lock(struct scripts const *s, unsigned int seconds)
{
	tain deadline, soon, step;
	tain_from_millisecs(&step, LOCK_POLL_MS);
	tain_now_g();
	tain_addsec_g(&deadline, (int)seconds);
	while (flock(s->fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -1;
		tain_now_g();
		if (!tain_future(&deadline)) {
			errno = EAGAIN;
			return -1;
		}
		tain_add_g(&soon, &step);
		iopause_g(0, 0, &soon);
	}
	return 0;
}

void
scripts_unlock(struct scripts const *s)
{
	flock(s->fd, LOCK_UN);
}

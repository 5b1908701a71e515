#include "maildir/scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/durable.h"
#include "lib/sa.h"
#include "maildir/filesystem.h"
#include "maildir/name.h"

static uint32_t
keep_name(struct scan *s, char const *name, size_t len)
{
	uint32_t at = (uint32_t)s->names.len;
	sa_catb(&s->names, name, len);
	sa_0(&s->names);
	return at;
}

static void
insert(struct scan *s, char const *name, size_t len, size_t base_len, uint32_t hash, int in_new)
{
	if (s->count == s->room) {
		s->room = s->room ? s->room * 2 : 64;
		s->f = xrealloc(s->f, s->room, sizeof *s->f);
	}
	struct found *e = s->f + s->count;
	*e = (struct found){.name = keep_name(s, name, len),
	    .msg = BASEMAP_NONE,
	    .hash = hash,
	    .name_len = (uint8_t)len,
	    .base_len = (uint8_t)base_len,
	    .in_new = (uint8_t)in_new};
	basemap_put(&s->map, hash, name, base_len, s->count++);
}

/* Two messages under one base name (a copied Maildir, a restored backup): the second gets a base
 * name of its own. So does one whose name has a newline, which no line of dovecot-uidlist can hold.
 */
static void
separate(struct scan *s, struct folder *f, int fd, char const *name, size_t len, int in_new)
{
	char base[MAILDIR_BASE_MAX + 1], to[MAILDIR_NAME_MAX + 1];
	struct name n;
	if (f->options & FOLDER_READONLY || !name_parse(&n, name, len))
		return;
	/* In flags a newline is as good as nothing; they are few. */
	if (memchr(name + n.base_len, '\n', len - n.base_len))
		len = n.base_len;
	size_t base_len = name_new(base, NAME_UNKNOWN, NAME_UNKNOWN);
	size_t to_len = in_new ? base_len : base_len + len - n.base_len;
	if (to_len > MAILDIR_NAME_MAX)
		return;
	memcpy(to, base, base_len);
	memcpy(to + base_len, name + n.base_len, to_len - base_len);
	to[to_len] = 0;
	if (!durable_rename_new(fd, name, fd, to))
		insert(s, to, to_len, base_len, basemap_hash(to, base_len), in_new);
}

/* The base name is there already. Usually that is one message seen twice, under its old and its new
 * name, because it was renamed while we read. Two names of one file are left alone: another program
 * may be between its link and its unlink. */
static void
duplicate(
    struct scan *s, struct folder *f, struct found *e, char const *name, size_t len, int in_new)
{
	struct stat a, b;
	int fd = in_new ? f->fd_new : f->fd_cur;
	if (fstatat(fd, name, &b, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	int gone = fstatat(e->in_new ? f->fd_new : f->fd_cur, s->names.s + e->name, &a,
		       AT_SYMLINK_NOFOLLOW) < 0;
	if (!gone && (a.st_ino != b.st_ino || a.st_dev != b.st_dev)) {
		separate(s, f, fd, name, len, in_new);
		return;
	}
	if (gone || (e->in_new && !in_new)) {
		e->name = keep_name(s, name, len);
		e->name_len = (uint8_t)len;
		e->in_new = (uint8_t)in_new;
	}
}

/* Symbolic links are how mairix shows what it found. */
static int
may_be_message(struct dirent const *e)
{
	return e->d_type == DT_REG || e->d_type == DT_LNK || e->d_type == DT_UNKNOWN;
}

static int
read_dir(struct scan *s, struct folder *f, char const *sub, int in_new)
{
	int fd = openat(f->fd_dir, sub, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? 0 : fdopendir(fd);
	if (!d) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	errno = 0;
	for (struct dirent *e; (e = readdir(d)); errno = 0) {
		struct name n;
		size_t len = strlen(e->d_name);
		if (!may_be_message(e) || !name_parse(&n, e->d_name, len))
			continue;
		if (memchr(e->d_name, '\n', len)) {
			separate(s, f, fd, e->d_name, len, in_new);
			continue;
		}
		uint32_t hash = basemap_hash(e->d_name, n.base_len);
		uint32_t i = basemap_find(&s->map, hash, e->d_name, n.base_len);
		if (i != BASEMAP_NONE)
			duplicate(s, f, s->f + i, e->d_name, len, in_new);
		else
			insert(s, e->d_name, len, n.base_len, hash, in_new);
		if (s->count > MAILDIR_MESSAGES || s->names.len > UINT32_MAX - 1000) {
			errno = EFBIG;
			break;
		}
	}
	int error = errno;
	closedir(d);
	errno = error;
	return error ? -1 : 0;
}

/* Moves what lies in new/ to cur/: how many. Who succeeds is the first session to see the message:
 * it is \Recent there (RFC 3501 2.3.2). */
static unsigned int
take_new(struct scan *s, struct folder *f)
{
	char to[MAILDIR_NAME_MAX + 1];
	unsigned int taken = 0;
	for (uint32_t i = 0; i < s->count; i++) {
		struct found *e = s->f + i;
		size_t len = e->name_len;
		memcpy(to, s->names.s + e->name, len + 1);
		if (e->base_len == len) {
			if (len + 3 > MAILDIR_NAME_MAX)
				continue;
			memcpy(to + len, ":2,", 4);
			len += 3;
		}
		if (durable_rename_new(f->fd_new, s->names.s + e->name, f->fd_cur, to) < 0)
			continue;
		e->name = keep_name(s, to, len);
		e->name_len = (uint8_t)len;
		e->in_new = 0;
		e->recent = 1;
		taken++;
	}
	return taken;
}

/* new/ first: what is moved from there to cur/ meanwhile is then seen once or twice, not never. */
static int
look_at_new(struct scan *s, struct folder *f)
{
	stamp_take(&s->new, f->fd_new);
	if (read_dir(s, f, "new", 1) < 0)
		return -1;
	stamp_take(&s->new_end, f->fd_new);
	s->still = s->still && stamp_same(&s->new, &s->new_end);
	s->stable = s->stable && s->still && !s->new.racy;
	if (!(f->options & FOLDER_TAKE_NEW) || !s->count)
		return 0;
	int known = folder_begin_change(f);
	unsigned int taken = take_new(s, f);
	folder_end_change(f, known, taken);
	/* What came meanwhile cannot be told from our own changes. */
	if (taken)
		s->still = s->stable = 0;
	s->new.racy = 1; /* changed by us; empty now, so that another look costs nothing */
	return 0;
}

static int
look_at_cur(struct scan *s, struct folder *f)
{
	stamp_take(&s->cur, f->fd_cur);
	/* Where the stamp proves nothing, events do. */
	proof_end(&f->proof);
	if (s->cur.racy && !filesystem_network(f->fd_cur))
		(void)proof_begin(&f->proof, f->dir, "cur");
	if (read_dir(s, f, "cur", 0) < 0)
		return -1;
	stamp_take(&s->cur_end, f->fd_cur);
	s->still = s->still && stamp_same(&s->cur, &s->cur_end);
	s->stable = s->stable && s->still && (!s->cur.racy || proof_holds(&f->proof));
	return 0;
}

static char const *
name_at(void const *arg, uint32_t i)
{
	struct scan const *s = arg;
	return s->names.s + s->f[i].name;
}

int
scan_run(struct scan *s, struct folder *f, unsigned int which)
{
	*s = (struct scan){
	    .which = which, .still = 1, .stable = 1, .map = {.name = name_at, .arg = s}};
	basemap_reserve(&s->map, which & SCAN_CUR ? f->count : 0);
	if (which & SCAN_NEW && look_at_new(s, f) < 0)
		return -1;
	if (which & SCAN_CUR && look_at_cur(s, f) < 0)
		return -1;
	return 0;
}

void
scan_confirm(struct scan *s, struct scan const *before)
{
	int whole = s->which & before->which & SCAN_NEW && s->which & before->which & SCAN_CUR;
	/* A clock of whole seconds has not moved on. */
	if (whole && s->still && before->still && s->cur.mtime.tv_nsec &&
	    s->new.mtime.tv_nsec &&stamp_same(&before->cur, &s->cur) &&
	    stamp_same(&before->new, &s->new))
		s->stable = 1;
}

void
scan_recheck(struct scan *s, struct folder *f)
{
	struct stamp now;
	stamp_take(&now, f->fd_new);
	if (s->which & SCAN_NEW && !stamp_same(&now, &s->new_end))
		s->stable = 0;
	stamp_take(&now, f->fd_cur);
	if (s->which & SCAN_CUR &&
	    (!stamp_same(&now, &s->cur_end) || (f->proof.fd >= 0 && !proof_holds(&f->proof))))
		s->stable = 0;
}

void
scan_free(struct scan *s)
{
	free(s->f);
	stralloc_free(&s->names);
	basemap_free(&s->map);
}

/* What a folder consists of: directories, modes, files that were left behind. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/sa.h"
#include "maildir/deliver.h"
#include "maildir/layout.h"
#include "maildir/lock.h"
#include "maildir/tool/check.h"

static char const *const subs[] = {"", "cur", "new", "tmp"};

/* The owner may do everything, strangers may not write. */
static void
check_mode(struct check *c, char const *sub)
{
	char detail[200];
	struct stat st;
	stralloc path = STRALLOC_ZERO;
	sa_catf(&path, "%s/%s", c->dir, sub);
	if (!stat(sa_str(&path), &st) && S_ISDIR(st.st_mode)) {
		mode_t want = (st.st_mode | 0700) & 07775;
		snprintf(detail, sizeof detail, "%s %04o", *sub ? sub : ".", st.st_mode & 07777);
		if (want != (st.st_mode & 07777))
			check_repaired(c, "mode", 1, c->dry ? 0 : chmod(path.s, want), detail);
	}
	stralloc_free(&path);
}

static unsigned int
missing_subs(struct check *c)
{
	unsigned int n = 0;
	struct stat st;
	for (unsigned int i = 1; i < sizeof subs / sizeof *subs; i++) {
		stralloc path = STRALLOC_ZERO;
		sa_catf(&path, "%s/%s", c->dir, subs[i]);
		n += stat(sa_str(&path), &st) < 0 && errno == ENOENT;
		stralloc_free(&path);
	}
	return n;
}

static void
check_missing(struct check *c)
{
	unsigned int n = missing_subs(c);
	if (!n)
		return;
	int fd = c->dry ? 0 : layout_open(c->dir, 0);
	check_repaired(c, "missing-directory", n, fd, 0);
	if (fd > 0)
		close(fd);
}

/* As delivery_clean judges them. */
static unsigned int
count_stale(struct check *c)
{
	stralloc path = STRALLOC_ZERO;
	unsigned int n = 0;
	time_t limit = time(0) - MAILDIR_TMP_HOURS * 3600;
	sa_catf(&path, "%s/tmp", c->dir);
	DIR *d = opendir(sa_str(&path));
	stralloc_free(&path);
	for (struct dirent *e; d && (e = readdir(d));) {
		struct stat st;
		if (e->d_name[0] != '.' &&
		    !fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) && S_ISREG(st.st_mode))
			n += st.st_atime < limit && st.st_mtime < limit;
	}
	if (d)
		closedir(d);
	return n;
}

static void
check_tmp(struct check *c)
{
	unsigned int n = count_stale(c);
	if (!n)
		return;
	if (!c->dry && delivery_clean(c->dir) < n)
		check_found(c, "stale-tmp", n, FOUND_LEFT, 0);
	else
		check_found(c, "stale-tmp", n, FOUND_REPAIRED, 0);
}

static void
check_locks(struct check *c)
{
	static char const *const names[] = {
	    "dovecot-uidlist.lock", "subscriptions.lock", "postern-metadata.lock"};
	struct lock lock;
	int fd = open(c->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (unsigned int i = 0; fd >= 0 && i < sizeof names / sizeof *names; i++) {
		if (!lock_stale(fd, names[i]))
			continue;
		/* Who takes it finds it stale and removes it. */
		int r = c->dry ? 0 : lock_take_named(&lock, fd, names[i], 1);
		check_repaired(c, "stale-lock", 1, r, names[i]);
		if (!r && !c->dry)
			lock_release(&lock);
	}
	if (fd >= 0)
		close(fd);
}

void
check_layout(struct check *c)
{
	for (unsigned int i = 0; i < sizeof subs / sizeof *subs; i++)
		check_mode(c, subs[i]);
	check_missing(c);
	check_tmp(c);
	check_locks(c);
}

void
check_readable(struct check *c, char const *const *files)
{
	for (; *files; files++) {
		struct stat st;
		if (fstatat(c->fd_dir, *files, &st, 0) < 0) {
			if (errno != ENOENT)
				check_found(c, "unreadable", 1, FOUND_LEFT, *files);
			continue;
		}
		if (!S_ISREG(st.st_mode))
			check_found(c, "unreadable", 1, FOUND_LEFT, *files);
		else if ((st.st_mode & 0600) != 0600)
			check_repaired(c, "unreadable", 1,
			    c->dry ? 0
				   : fchmodat(c->fd_dir, *files, (st.st_mode & 07777) | 0600, 0),
			    *files);
	}
}

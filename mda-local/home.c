#include "mda-local/home.h"

#include <errno.h>
#include <grp.h>
#include <string.h>

#include "lib/conf.h"
#include "lib/durable.h"
#include "lib/sa.h"
#include "lib/skalibs-compat.h"

/* One directory, if it is not there. Only the home itself is the account's; what lies above it can
 * be passed but not read by other accounts. */
static int
make_one(char const *path, struct account const *owner)
{
	if (mkdir(path, owner ? 0700 : 0711) < 0)
		return errno == EEXIST ? 0 : -1;
	/* fchmodat's umask-free way and never through a link: the name was made a moment ago. */
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r = fd < 0 ? -1 : fchmod(fd, owner ? 0700 : 0711);
	if (!r && owner && !geteuid())
		r = fchown(fd, owner->uid, owner->gid);
	if (!r)
		r = durable_dir(fd);
	int e = errno;
	if (fd >= 0)
		close(fd);
	errno = e;
	return r;
}

/* Below a directory of another's root makes nothing: a link put there in the meantime would lead it
 * astray. */
static int
trusted(struct stat const *st)
{
	struct stat instance;
	return geteuid() || !st->st_uid ||
	       (!stat(conf_dir(), &instance) && st->st_uid == instance.st_uid);
}

int
home_make(struct account const *a)
{
	struct stat st;
	if (!stat(a->home, &st) || errno != ENOENT)
		return 0; /* whatever is wrong with it, opening the Maildir will tell */
	char *path = xstrdup(a->home);
	int r = 0;
	for (char *slash = path; !r && slash;) {
		slash = strchr(slash + 1, '/');
		if (slash)
			*slash = 0;
		if (stat(path, &st))
			r = make_one(path, slash ? 0 : a);
		else if (!trusted(&st))
			r = 1;
		if (slash)
			*slash = '/';
	}
	char *last = strrchr(path, '/');
	if (!r && last > path) {
		*last = 0;
		r = durable_dirname(path);
	}
	free(path);
	return r < 0 ? -1 : 0;
}

int
home_become(struct account const *a, uid_t uid_min)
{
	errno = EPERM;
	if (geteuid())
		return a->uid == geteuid() ? 0 : -1;
	if (!a->uid || !a->gid || a->uid < uid_min)
		return -1;
	if (setgroups(1, &a->gid) < 0 || setgid(a->gid) < 0 || setuid(a->uid) < 0)
		return -1;
	return 0;
}

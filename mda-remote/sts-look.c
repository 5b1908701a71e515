/* A policy that lasts for weeks protects only as long as it is renewed before its end (RFC
 * 8461 3.3), also in weeks without mail. What no mail asked for in STS_UNUSED_SECONDS goes. */
#include "mda-remote/sts-domain.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mda-remote/walk.h"

unsigned int sts_looks;

static int64_t look_at;		/* ms; when all policies on disk are looked at */
static DIR *looking;		/* they are being */
static char left[DNS_NAME_MAX]; /* this one next: it had to wait; "" none */

/* 1; 0 if it has to wait for others to be fetched. */
static int
look_at_one(char const *name)
{
	struct stat st;
	int const fd = dirfd(looking);
	if (!sts_name_valid(name) || fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 1;
	struct sts_domain *d = sts_find(name);
	if (d->unread || d->state != STS_IDLE)
		return 1;
	if (!sts_valid(d) || walk_now() / 1000 - st.st_mtime > STS_UNUSED_SECONDS) {
		unlinkat(fd, name, 0);
		return 1;
	}
	if (!sts_aged(d) || walk_now() < d->fetch_not_before)
		return 1;
	if (sts_looks >= STS_LOOKS_MAX || sts_ask(d) < 0)
		return 0;
	d->looked = 1;
	sts_looks++;
	return 1;
}

static void
step(void)
{
	if (left[0] && !look_at_one(left))
		return;
	left[0] = 0;
	for (unsigned int n = 0; n < STS_LOOK_STEP; n++) {
		struct dirent const *e = readdir(looking);
		if (!e) {
			closedir(looking);
			looking = 0;
			return;
		}
		if (look_at_one(e->d_name))
			continue;
		strcpy(left, e->d_name);
		return;
	}
}

void
sts_look(void)
{
	int64_t const now = walk_now();
	if (!looking && (now >= look_at || look_at - now > STS_LOOK_SECONDS * 1000)) {
		int fd = sts_directory();
		look_at = now + STS_LOOK_SECONDS * 1000;
		looking = fd < 0 ? 0 : fdopendir(fd);
		if (!looking && fd >= 0)
			close(fd);
	}
	if (looking)
		step();
}

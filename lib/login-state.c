#include "lib/login-state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "lib/conf.h"
#include "lib/durable.h"
#include "lib/id.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "lib/skalibs-compat.h"

#define DIRECTORY "run/auth"
#define STATE_NAME_MAX 32

static void
put_path(stralloc *path, char const *name)
{
	sa_copys(path, conf_dir());
	sa_cats(path, "/" DIRECTORY "/");
	sa_cats(path, name);
	sa_str(path);
}

static int
private_file(int fd)
{
	struct stat st;
	if (fd < 0)
		return -1;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_uid == geteuid() && !(st.st_mode & 077))
		return fd;
	close(fd);
	errno = EPERM;
	return -1;
}

/* open(2) in the directory, which is made if it is missing. */
static int
open_there(char const *name, int flags)
{
	stralloc path = STRALLOC_ZERO;
	put_path(&path, name);
	flags |= O_RDWR | O_CLOEXEC | O_NOFOLLOW;
	int fd = open(path.s, flags, 0600);
	if (fd < 0 && errno == ENOENT && flags & O_CREAT) {
		put_path(&path, "");
		path.s[path.len - 1] = 0;
		if (!mkdir(path.s, 0700) || errno == EEXIST) {
			put_path(&path, name);
			fd = open(path.s, flags, 0600);
		}
	}
	int e = errno;
	stralloc_free(&path);
	errno = e;
	return fd;
}

static int
told(char const *name, int fd)
{
	if (fd < 0 && errno != ENOENT) {
		int e = errno;
		log_event("no-state");
		log_str("file", name);
		log_errno("why", e);
		log_send();
		errno = e;
	}
	return fd;
}

int
login_state_open(char const *name)
{
	return told(name, private_file(open_there(name, O_CREAT)));
}

/* A new file beside NAME, with its bytes; the path it got. */
static int
make(stralloc *tmp, char const *name, void const *first, size_t len)
{
	char id[ID_MAX + 1], unique[STATE_NAME_MAX + ID_MAX];
	id_new(id);
	snprintf(unique, sizeof unique, "%s.%s", name, id);
	int fd = open_there(unique, O_CREAT | O_EXCL);
	put_path(tmp, unique);
	if (fd >= 0 && durable_write(fd, first, len) < 0) {
		unlink(tmp->s);
		close(fd);
		fd = -1;
	}
	return fd;
}

int
login_state_replace(char const *name, void const *first, size_t len)
{
	stralloc tmp = STRALLOC_ZERO, path = STRALLOC_ZERO;
	int fd = make(&tmp, name, first, len);
	put_path(&path, name);
	if (fd >= 0 && rename(tmp.s, path.s) < 0) {
		unlink(tmp.s);
		close(fd);
		fd = -1;
	}
	stralloc_free(&tmp);
	stralloc_free(&path);
	return told(name, fd);
}

int
login_state_open_with(char const *name, void const *first, size_t len)
{
	int fd = open_there(name, 0);
	if (fd >= 0 || errno != ENOENT)
		return told(name, private_file(fd));
	stralloc tmp = STRALLOC_ZERO, path = STRALLOC_ZERO;
	fd = make(&tmp, name, first, len);
	put_path(&path, name);
	/* Whoever is first has it. */
	int linked = fd >= 0 && !link(tmp.s, path.s);
	if (fd >= 0)
		unlink(tmp.s);
	if (fd >= 0 && !linked) {
		close(fd);
		fd = private_file(open_there(name, 0));
	}
	stralloc_free(&tmp);
	stralloc_free(&path);
	return told(name, fd);
}

int
login_state_secret(unsigned char secret[static HASH_MAX])
{
	unsigned char fresh[HASH_MAX];
	if (getrandom(fresh, sizeof fresh, 0) != sizeof fresh)
		return -1;
	int fd = login_state_open_with("secret", fresh, sizeof fresh);
	if (fd < 0)
		return -1;
	ssize_t n = pread(fd, secret, HASH_MAX, 0);
	close(fd);
	if (n == HASH_MAX)
		return 0;
	/* The power failed between the name and the bytes. */
	fd = n < 0 ? -1 : login_state_replace("secret", fresh, sizeof fresh);
	if (fd < 0)
		return -1;
	close(fd);
	memcpy(secret, fresh, HASH_MAX);
	return 0;
}

/* What is tried with each thing of the plan that has a name in the file system. */
#include "tests/proof/attempts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define PATH_SIZE 256

static int
close_one(int fd)
{
	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int
open_as(char const *path, int flags)
{
	return close_one(open(path, flags | O_CLOEXEC | O_NOCTTY, 0600));
}

static char const *
with(char to[static PATH_SIZE], char const *path, char const *suffix)
{
	snprintf(to, PATH_SIZE, "%s%s", path, suffix);
	return to;
}

static int
try_stat(char const *path)
{
	struct stat st;
	return ERRNO(stat(path, &st));
}

static int
try_list(char const *path)
{
	return open_as(path, O_RDONLY | O_DIRECTORY);
}

static int
try_read(char const *path)
{
	char c;
	int const fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int const e = fd < 0 || read(fd, &c, 1) < 0 ? errno : 0;
	close_one(fd);
	return e;
}

static int
try_write(char const *path)
{
	int const fd = open(path, O_WRONLY | O_CLOEXEC);
	int const e = fd < 0 || pwrite(fd, "x", 1, 0) != 1 ? errno : 0;
	close_one(fd);
	return e;
}

/* It asks for no right to write. */
static int
try_empty(char const *path)
{
	return open_as(path, O_RDONLY | O_TRUNC);
}

static int
try_truncate(char const *path)
{
	return ERRNO(truncate(path, 0));
}

static int
try_chmod(char const *path)
{
	return ERRNO(chmod(path, 0644));
}

static int
try_utimes(char const *path)
{
	return ERRNO(utimensat(AT_FDCWD, path, 0, 0));
}

static int
try_xattr(char const *path)
{
	return ERRNO((int)syscall(SYS_setxattr, path, "user.proof", "x", 1, 0));
}

static int
try_chown(char const *path)
{
	return ERRNO((int)syscall(SYS_fchownat, AT_FDCWD, path, -1, getegid(), 0));
}

static int
try_watch(char const *path)
{
	int const fd = inotify_init1(IN_CLOEXEC);
	int const e = fd < 0 || inotify_add_watch(fd, path, IN_ATTRIB) < 0 ? errno : 0;
	close_one(fd);
	return e;
}

/* What is in the file is no program: who may execute it is told ENOEXEC. */
static int
try_exec(char const *path)
{
	char *argv[] = {(char *)(uintptr_t)path, 0};
	execve(path, argv, argv + 1);
	return errno == ENOEXEC ? 0 : errno;
}

static int
try_link(char const *path)
{
	char to[PATH_SIZE];
	return ERRNO(link(path, with(to, path, ".linked")));
}

/* Into a place where it can be read later. */
static int
try_steal(char const *path)
{
	char to[PATH_SIZE];
	return plan.into ? ERRNO(link(path, with(to, plan.into, "/stolen"))) : ENOENT;
}

static int
try_rename(char const *path)
{
	char to[PATH_SIZE];
	return rename(path, with(to, path, ".renamed")) < 0 || rename(to, path) < 0 ? errno : 0;
}

static int
try_unlink(char const *path)
{
	return ERRNO(unlink(path));
}

static int
try_create(char const *path)
{
	return open_as(path, O_WRONLY | O_CREAT | O_EXCL);
}

static int
try_mkdir(char const *path)
{
	return ERRNO(mkdir(path, 0700));
}

static int
try_rmdir(char const *path)
{
	return ERRNO(rmdir(path));
}

static int
try_symlink(char const *path)
{
	return ERRNO(symlink("/etc/passwd", path));
}

static int
try_mkfifo(char const *path)
{
	return ERRNO(mkfifo(path, 0600));
}

static int
unix_socket(char const *path, int (*what)(int, struct sockaddr const *, socklen_t))
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int const fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	strncpy(a.sun_path, path, sizeof a.sun_path - 1);
	int const e = fd < 0 || what(fd, (struct sockaddr *)&a, sizeof a) < 0 ? errno : 0;
	close_one(fd);
	return e;
}

static int
try_listen(char const *path)
{
	return unix_socket(path, bind);
}

static int
try_connect(char const *path)
{
	return unix_socket(path, connect);
}

static int
try_order(char const *path)
{
	return open_as(path, O_WRONLY | O_NONBLOCK);
}

enum {
	D = 1 << PLAN_DIR,
	F = 1 << PLAN_FILE,
	S = 1 << PLAN_SYSTEM,
	U = 1 << PLAN_SOCKET,
	P = 1 << PLAN_FIFO
};

/* Those that leave nothing for others come last. */
/* clang-format off */
static struct {
	char const *name;
	unsigned int kinds;
	int (*fn)(char const *path);
} const attempts[] = {
	{"stat", D | F | S, try_stat},
	{"list", D, try_list},
	{"read", D | F | S, try_read},
	{"watch", D | F, try_watch},
	{"utimes", D | F, try_utimes},
	{"chown", D | F, try_chown},
	{"xattr", D | F, try_xattr},
	{"exec", D, try_exec},
	{"steal", D | F, try_steal},
	{"link", D | F, try_link},
	{"rename", D | F, try_rename},
	{"write", D | F, try_write},
	{"empty", D | F, try_empty},
	{"truncate", D | F, try_truncate},
	{"chmod", D | F, try_chmod},
	{"create", D, try_create},
	{"mkdir", D, try_mkdir},
	{"rmdir", D, try_rmdir},
	{"symlink", D, try_symlink},
	{"mkfifo", D, try_mkfifo},
	{"bind", D, try_listen},
	{"unlink", D | F, try_unlink},
	{"connect", U, try_connect},
	{"order", P, try_order},
};
/* clang-format on */

/* Of a directory the attempt has a file for itself; it is listed as a whole. */
static void
one_attempt(struct plan_target const *t, size_t i)
{
	char path[PATH_SIZE], name[PATH_SIZE];
	int const whole = t->kind != PLAN_DIR || attempts[i].fn == try_list;
	snprintf(path, sizeof path, whole ? "%s" : "%s/%s", t->path, attempts[i].name);
	snprintf(name, sizeof name, "%s/%s", attempts[i].name, t->name);
	attempt_report(name, attempts[i].fn(path));
	if (attempts[i].fn == try_steal && plan.into)
		unlink(with(path, plan.into, "/stolen"));
}

void
attempt_paths(void)
{
	for (struct plan_target const *t = plan.target; t < plan.target + plan.count; t++)
		for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++)
			if (attempts[i].kinds >> t->kind & 1)
				one_attempt(t, i);
}

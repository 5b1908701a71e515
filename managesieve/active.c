#include "managesieve/active.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/durable.h"
#include "lib/id.h"
#include "lib/sa.h"
#include "lib/sandbox.h"
#include "sieve/sieve.h"

/* ".long/", a name in parts, ".sieve" (sieve_name_file). */
#define FILE_MAX (SIEVE_NAME_MAX + 32)

/* The home directory, where a link is replaced: it reads nothing. */
static struct sandbox_path paths[] = {{"~", SANDBOX_EDIT | SANDBOX_LINK}, {0, 0}};
static struct sandbox const sandbox_policy = {.calls = SANDBOX_FILES | SANDBOX_SYMLINKS,
    .paths = paths,
    .file_size = SANDBOX_UNLIMITED,
    .processes = SANDBOX_ANY};

enum request_kind { REMOVE, SET, ADOPT };

/* One message (SOCK_SEQPACKET); the answer is an int, errno or 0. */
struct request {
	uint32_t kind;
	char file[FILE_MAX + 1]; /* C string, relative to HOME/sieve */
};

/* ---- the process with the rights ---- */

/* A script's file and nothing else, whoever asks. */
static int
is_script(char const *file)
{
	size_t n = strlen(file), suffix = sizeof SIEVE_SCRIPT_SUFFIX - 1;
	if (n <= suffix || strcmp(file + n - suffix, SIEVE_SCRIPT_SUFFIX) != 0)
		return 0;
	for (; file; file = (file = strchr(file, '/')) ? file + 1 : 0)
		if (!*file || *file == '/' || !strncmp(file, "./", 2) || !strncmp(file, "../", 3))
			return 0;
	return 1;
}

/* The new link takes the old one's place at once. */
static int
make_link(int fd_home, char const *file)
{
	char tmp[ID_MAX + sizeof ACTIVE_LINK + 1], id[ID_MAX + 1];
	char target[sizeof ACTIVE_FOLDER + FILE_MAX + 1];
	id_new(id);
	snprintf(tmp, sizeof tmp, "%s.%s", ACTIVE_LINK, id);
	snprintf(target, sizeof target, "%s/%s", ACTIVE_FOLDER, file);
	if (symlinkat(target, fd_home, tmp) < 0)
		return -1;
	if (renameat(fd_home, tmp, fd_home, ACTIVE_LINK) < 0) {
		int e = errno;
		unlinkat(fd_home, tmp, 0);
		errno = e;
		return -1;
	}
	return durable_dir(fd_home);
}

/* The file's second name is there before the first one goes. */
static int
adopt(int fd_home, int fd_folder, char const *file)
{
	if (linkat(fd_home, ACTIVE_LINK, fd_folder, file, 0) < 0)
		return -1;
	return durable_dir(fd_folder) < 0 ? -1 : make_link(fd_home, file);
}

static int
remove_link(int fd_home)
{
	if (unlinkat(fd_home, ACTIVE_LINK, 0) < 0 && errno != ENOENT)
		return -1;
	return durable_dir(fd_home);
}

static int
carry_out(struct request const *r, int fd_home, int fd_folder)
{
	struct stat st;
	if (r->kind != REMOVE && !is_script(r->file))
		return EINVAL;
	/* A plain file, that came since, is not lost by either of these. */
	if (r->kind != ADOPT && !fstatat(fd_home, ACTIVE_LINK, &st, AT_SYMLINK_NOFOLLOW) &&
	    !S_ISLNK(st.st_mode))
		return EAGAIN;
	int done = r->kind == SET      ? make_link(fd_home, r->file)
		   : r->kind == REMOVE ? remove_link(fd_home)
				       : adopt(fd_home, fd_folder, r->file);
	return done < 0 ? errno : 0;
}

static void serve(int fd, char const *home, int fd_home, int fd_folder) __attribute__((noreturn));
static void
serve(int fd, char const *home, int fd_home, int fd_folder)
{
	struct request r;
	paths[0].path = home;
	/* The session's end is what ends it: until then it finishes what it was told. */
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	close(0);
	close(1);
	sandbox_close_but((int[]){fd, fd_home, fd_folder}, 3);
	sandbox_enter(&sandbox_policy);
	for (;;) {
		ssize_t n = recv(fd, &r, sizeof r, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n != sizeof r)
			_exit(0);
		r.file[FILE_MAX] = 0;
		int e = carry_out(&r, fd_home, fd_folder);
		if (send(fd, &e, sizeof e, MSG_NOSIGNAL) != sizeof e)
			_exit(0);
	}
}

/* ---- the session's side ---- */

int
active_start(struct active *a, char const *home, int fd_folder)
{
	int pair[2];
	int fd_home = open(home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	a->fd_folder = fd_folder;
	a->fd_home = open(home, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd_home < 0 || a->fd_home < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	pid_t pid = fork();
	if (!pid)
		serve(pair[1], home, fd_home, fd_folder);
	close(fd_home);
	close(pair[1]);
	a->fd = pair[0];
	return pid < 0 ? -1 : 0;
}

static int
ask(struct active const *a, enum request_kind kind, char const *file)
{
	struct request r = {.kind = kind};
	int e;
	ssize_t n;
	if (strlen(file) > FILE_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(r.file, file);
	if (send(a->fd, &r, sizeof r, MSG_NOSIGNAL) != sizeof r)
		return -1;
	do
		n = recv(a->fd, &e, sizeof e, 0);
	while (n < 0 && errno == EINTR);
	errno = n == sizeof e ? e : EPIPE;
	return errno ? -1 : 0;
}

int
active_set(struct active const *a, char const *file)
{
	return file ? ask(a, SET, file) : ask(a, REMOVE, "");
}

int
active_adopt(struct active const *a, char const *file)
{
	return ask(a, ADOPT, file);
}

/* Does target[0..n), a directory, lead to HOME/sieve? */
static int
is_folder(struct active const *a, char const *target, size_t n)
{
	struct stat one, two;
	stralloc dir = STRALLOC_ZERO;
	sa_copyb(&dir, n ? target : ".", n ? n : 1);
	int same = !fstatat(a->fd_home, sa_str(&dir), &one, 0) && !fstat(a->fd_folder, &two) &&
		   one.st_dev == two.st_dev && one.st_ino == two.st_ino;
	stralloc_free(&dir);
	return same;
}

/* The part of a link's target that is relative to HOME/sieve, however it is written; null: it leads
 * to somewhere else. */
static char const *
within_folder(struct active const *a, char const *target)
{
	static char const own[] = ACTIVE_FOLDER "/";
	if (!strncmp(target, own, sizeof own - 1))
		return target + sizeof own - 1;
	char const *slash = strrchr(target, '/');
	if (!slash)
		return 0;
	return is_folder(a, target, (size_t)(slash - target)) ? slash + 1 : 0;
}

int
active_read(struct active const *a, stralloc *file)
{
	char target[4096];
	struct stat st;
	if (fstatat(a->fd_home, ACTIVE_LINK, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? ACTIVE_NONE : -1;
	if (!S_ISLNK(st.st_mode))
		return ACTIVE_FILE;
	ssize_t n = readlinkat(a->fd_home, ACTIVE_LINK, target, sizeof target - 1);
	if (n < 0)
		return errno == ENOENT ? ACTIVE_NONE : -1;
	target[n] = 0;
	char const *s = within_folder(a, target);
	if (!s)
		return ACTIVE_OTHER;
	sa_copys(file, s);
	sa_str(file);
	return ACTIVE_SCRIPT;
}

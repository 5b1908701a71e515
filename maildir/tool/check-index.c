/* The index and the cached texts: disposable, so what is damaged is removed. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "maildir/index.h"
#include "maildir/keys.h"
#include "maildir/limits.h"
#include "maildir/lock.h"
#include "maildir/text.h"
#include "maildir/tool/check.h"

#define TEXT_NAME "postern-text"

/* Verifies every block. A damaged one ends the process with SIGBUS (maildir/index.h), so this is a
 * child's work; what it should remove it cannot find. */
static int
index_good(struct check *c)
{
	int status;
	pid_t pid = fork();
	if (pid < 0)
		return 1;
	if (!pid) {
		struct index x = INDEX_ZERO;
		struct rlimit none = {0, 0};
		setrlimit(RLIMIT_CORE, &none);
		signal(SIGBUS, SIG_DFL);
		if (index_open(&x, c->fd_dir) != 1)
			_exit(1);
		x.fd_dir = -1;
		for (uint32_t i = 0; i < x.count; i += INDEX_BLOCK)
			index_verify(&x, i / INDEX_BLOCK);
		for (uint32_t i = 0; i < x.slots; i += INDEX_SLOTS)
			index_verify_slots(&x, i / INDEX_SLOTS);
		_exit(0);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) && !WEXITSTATUS(status);
}

static void
pass_over(void *arg, char const *base, size_t len, uint64_t offset)
{
	(void)arg, (void)base, (void)len, (void)offset;
}

/* What another version wrote is no damage, but of no use either. */
static int
text_good(struct check *c)
{
	struct text_file t = TEXT_FILE_ZERO;
	struct stat st;
	int good = text_open(&t, c->fd_dir) >= 0 && t.fd >= 0 && !fstat(t.fd, &st) &&
		   !text_walk(&t, pass_over, 0) && t.parsed == (uint64_t)st.st_size;
	text_close(&t);
	return good;
}

/* What cannot be used here is left alone. */
static int
keys_good(struct check *c)
{
	struct keys k;
	size_t len;
	int good = keys_open(&k, c->fd_dir);
	if (!good)
		return !k.damaged;
	for (unsigned int i = 0; good && i < KEYS_COLUMNS; i++)
		good = !k.h.place[i].len || keys_column(&k, i, &len);
	keys_close(&k);
	return good;
}

static int
is_there(struct check *c, char const *name)
{
	return !faccessat(c->fd_dir, name, F_OK, AT_SYMLINK_NOFOLLOW);
}

static int
remove_files(struct check *c, char const *const *names)
{
	struct lock lock;
	int r = lock_take(&lock, c->fd_dir, MAILDIR_LOCK_WAIT);
	if (r < 0)
		return -1;
	for (; *names; names++)
		if (unlinkat(c->fd_dir, *names, 0) < 0 && errno != ENOENT)
			r = -1;
	lock_release(&lock);
	return r;
}

void
check_index(struct check *c)
{
	static char const *const index[] = {INDEX_NAME, INDEX_LOG_NAME, 0};
	static char const *const text[] = {TEXT_NAME, 0};
	static char const *const keys[] = {KEYS_NAME, 0};
	if (is_there(c, INDEX_NAME) && !index_good(c))
		check_repaired(c, "index", 1, c->dry ? 0 : remove_files(c, index), "removed");
	if (is_there(c, TEXT_NAME) && !text_good(c))
		check_repaired(c, "index-text", 1, c->dry ? 0 : remove_files(c, text), "removed");
	if (is_there(c, KEYS_NAME) && !keys_good(c))
		check_repaired(c, "index-keys", 1, c->dry ? 0 : remove_files(c, keys), "removed");
}

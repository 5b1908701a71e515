/* A rename of folders beside others: the lock that it holds, from the look at the new name to the
 * change of the metadata; how long it is waited for. The C library's calls are in between. */
#include "maildir/metadata.h"
#include "tests/unit/maildir-dir.h"
#include "tests/unit/tap.h"

#include <sys/file.h>
#include <sys/syscall.h>

#include "maildir/limits.h"

static struct maildir_tree tree = TREE_DEFAULT(dir_path);
static void (*on_lock)(void); /* while another has the root: once */
static int busy;	      /* another has it for good */
static unsigned int naps;
static time_t slept;	   /* more seconds than have passed */
static int open_at_rename; /* renames during which the root was not held */

int
flock(int fd, int how)
{
	struct stat root, st;
	if (stat(dir_path, &root) < 0 || fstat(fd, &st) < 0 || st.st_ino != root.st_ino)
		return (int)syscall(SYS_flock, fd, how);
	void (*const fn)(void) = on_lock;
	on_lock = 0;
	if (fn)
		fn();
	if (fn || busy) {
		errno = EWOULDBLOCK;
		return -1;
	}
	return (int)syscall(SYS_flock, fd, how);
}

/* Each nap is much longer than it was asked to be. */
int
nanosleep(struct timespec const *t, struct timespec *left)
{
	(void)t;
	(void)left;
	naps++;
	slept += 3;
	return 0;
}

int
clock_gettime(clockid_t id, struct timespec *t)
{
	int const r = (int)syscall(SYS_clock_gettime, id, t);
	t->tv_sec += slept;
	return r;
}

static void
look(void)
{
	int const fd = open(dir_path, O_RDONLY | O_DIRECTORY);
	open_at_rename += !syscall(SYS_flock, fd, LOCK_SH | LOCK_NB);
	close(fd);
}

int
renameat(int from_dir, char const *from, int to_dir, char const *to)
{
	look();
	return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, 0);
}

int
rename(char const *from, char const *to)
{
	return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

static void
take_name(void)
{
	tree_create(&tree, "New");
}

int
main(void)
{
	struct metadata_item item = {"/private/comment", "x", 1};
	dir_make();
	tree_create(&tree, "Old");
	metadata_change(&tree, "Old", &item, 1, 1);
	on_lock = take_name;
	tap_ok(tree_rename(&tree, "Old", "New") < 0 && errno == EEXIST,
	    "the name was taken while it waited");
	tree_delete(&tree, "New");
	open_at_rename = 0;
	tap_num("renamed", tree_rename(&tree, "Old", "New"), 0);
	tap_num("directories and metadata under the lock", open_at_rename, 0);
	busy = 1;
	naps = 0;
	tap_num("nobody else lets go: renamed all the same", tree_rename(&tree, "New", "Old"), 0);
	tap_num("after seconds, not naps", naps, (MAILDIR_RENAME_WAIT + 2) / 3);
	naps = 0;
	tap_ok(
	    tree_still(&tree) < 0 && errno == EWOULDBLOCK, "nor does who only looks wait longer");
	tap_num("after seconds, not naps", naps, (MAILDIR_RENAME_WAIT + 2) / 3);
	return tap_done();
}

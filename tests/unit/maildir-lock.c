/* The dotlock: exclusive, stale ones recognised, never two holders. */
#include <sys/file.h>
#include <sys/wait.h>

#include "maildir/lock.h"
#include "maildir/limits.h"
#include "tests/unit/maildir-dir.h"
#include "tests/unit/tap.h"

#define LOCK "dovecot-uidlist.lock"
#define WORKERS 4
#define ROUNDS 150

static int fd_dir;

/* Each worker adds to a number in a file, under the lock: no addition may be lost. */
static void
worker(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		struct lock l;
		if (lock_take(&l, fd_dir, 30) < 0)
			_exit(1);
		int n = atoi(dir_read("number"));
		char text[20];
		snprintf(text, sizeof text, "%d", n + 1);
		dir_write("number", text);
		lock_release(&l);
		if (i % 50 != 49)
			continue;
		/* One that dies while it holds the lock. */
		pid_t child = fork();
		if (!child)
			_exit(lock_take(&l, fd_dir, 30) < 0);
		waitpid(child, 0, 0);
	}
	_exit(0);
}

static void
test_contention(void)
{
	int bad = 0, status;
	dir_write("number", "0");
	for (int i = 0; i < WORKERS; i++)
		if (!fork())
			worker();
	for (int i = 0; i < WORKERS; i++)
		bad += wait(&status) < 0 || status;
	tap_num("workers", bad, 0);
	tap_num("no addition is lost", atoi(dir_read("number")), WORKERS * ROUNDS);
}

static void
age(char const *file, long seconds)
{
	struct timespec t[2] = {{time(0) - seconds, 0}, {time(0) - seconds, 0}};
	utimensat(AT_FDCWD, dir_at("%s", file), t, 0);
}

/* It has ended; its parent has not noticed yet. */
static void
test_zombie(void)
{
	struct lock a;
	siginfo_t info;
	pid_t child = fork();
	if (!child)
		_exit(lock_take(&a, fd_dir, 1) < 0);
	waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT);
	tap_num("a zombie left its lock", dir_exists(LOCK), 1);
	tap_num("which is stale", lock_take(&a, fd_dir, 0), 0);
	lock_release(&a);
	waitpid(child, 0, 0);
}

int
main(void)
{
	struct lock a, b;
	char text[300], host[256] = "";
	dir_make();
	fd_dir = open(dir_path, O_RDONLY | O_DIRECTORY);
	gethostname(host, sizeof host - 1);

	tap_num("take", lock_take(&a, fd_dir, 1), 0);
	snprintf(text, sizeof text, "%ld:%s", (long)getpid(), host);
	tap_str("content", dir_read(LOCK), text);
	tap_ok(lock_take(&b, fd_dir, 0) < 0 && errno == ETIMEDOUT, "held: ETIMEDOUT");
	tap_num("touch", lock_touch(&a), 0);
	lock_release(&a);
	tap_num("released", dir_exists(LOCK), 0);

	/* Its pid means nothing here (another pid namespace), but it lives. */
	snprintf(text, sizeof text, "999999999:%s", host);
	dir_write(LOCK, text);
	int living = open(dir_at(LOCK), O_RDWR);
	flock(living, LOCK_EX);
	tap_ok(lock_take(&b, fd_dir, 0) < 0 && errno == ETIMEDOUT, "flocked by its holder: held");
	age(LOCK, MAILDIR_LOCK_STALE + 10);
	tap_ok(lock_take(&b, fd_dir, 0) < 0 && errno == ETIMEDOUT, "and old: still held");
	dir_write(LOCK, "");
	age(LOCK, MAILDIR_LOCK_STALE + 10);
	tap_ok(lock_take(&b, fd_dir, 0) < 0 && errno == ETIMEDOUT, "not signed yet: held");
	close(living);
	tap_num("its process ended: stale", lock_take(&b, fd_dir, 1), 0);
	lock_release(&b);

	dir_write(LOCK, "999999999:elsewhere.example.org");
	tap_ok(lock_take(&b, fd_dir, 0) < 0 && errno == ETIMEDOUT, "another host's, young: held");
	age(LOCK, MAILDIR_LOCK_STALE + 10);
	tap_num("another host's, old: stale", lock_take(&b, fd_dir, 1), 0);
	lock_release(&b);

	dir_write(LOCK, "");
	tap_ok(lock_take(&b, fd_dir, 0) < 0 && errno == ETIMEDOUT, "empty, young: held");
	age(LOCK, MAILDIR_LOCK_EMPTY + 1);
	tap_num("empty, not so young: stale", lock_take(&b, fd_dir, 0), 0);
	lock_release(&b);

	pid_t child = fork();
	if (!child)
		_exit(lock_take(&a, fd_dir, 1) < 0);
	waitpid(child, 0, 0);
	tap_num("its process died", dir_exists(LOCK), 1);
	tap_num("a dead one's: stale", lock_take(&b, fd_dir, 0), 0);

	/* Ours was judged stale by mistake and another holds the name now. */
	unlink(dir_at(LOCK));
	dir_write(LOCK, "1:elsewhere.example.org");
	b.touched -= MAILDIR_LOCK_TOUCH;
	tap_ok(lock_touch(&b) < 0 && errno == ESTALE, "taken away: ESTALE");
	lock_release(&b);
	tap_num("another's lock is left alone", dir_exists(LOCK), 1);
	unlink(dir_at(LOCK));

	snprintf(text, sizeof text, "%ld:%s", (long)getpid(), host);
	dir_write(LOCK, text);
	tap_num("our pid, but we hold none: stale", lock_take(&b, fd_dir, 0), 0);
	lock_release(&b);

	test_zombie();
	test_contention();
	struct stat st;
	tap_ok(stat(dir_at(LOCK), &st) < 0 || !lock_take(&a, fd_dir, 1), "nothing is left behind");
	lock_release(&a);
	return tap_done();
}

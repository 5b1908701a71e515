#include "mda-remote/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <skalibs/strerr.h>

#include "lib/linux-compat.h"
#include "lib/log.h"
#include "mda-remote/clock.h"
#include "mda-remote/limits.h"
#include "mda-remote/spool.h"

#define PARTS (SPOOL_HASHES + 1) /* the directories and tmp/ */
#define EVERY_PART ((1u << PARTS) - 1)

static int fd_fifo = -1, fifo_room;
static int part = -1;	    /* being looked through; -1: none */
static unsigned int wanted; /* a bit for each that this scan looks through */
static DIR *dir;
static int64_t next;  /* whole scan */
static int64_t peek;  /* look for directories that have changed */
static int64_t again; /* ms to a whole scan where this one is not complete */
/* Of each directory when it was read last; nanoseconds -1: that is not to be relied upon. */
static struct timespec seen[SPOOL_HASHES];
static int complete;		  /* this scan so far */
static int known;		  /* one was complete */
static char rest[SPOOL_LINE_MAX]; /* of a line cut by the end of the last read */
static size_t rest_len;

void
scan_start(void)
{
	/* For reading and writing, so that it never comes to an end of file. */
	fd_fifo = openat(walk.fd_spool, "trigger", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd_fifo < 0)
		strerr_diefu1sys(111, "open spool/trigger");
	/* A user with many pipes gets small ones. */
	fifo_room = fcntl(fd_fifo, F_GETPIPE_SZ);
	scan_soon();
}

int
scan_fd(void)
{
	return fd_fifo;
}

void
scan_soon(void)
{
	next = peek = 0;
}

int64_t
scan_next(void)
{
	return next < peek ? next : peek;
}

/* ---- the directories ---- */

static int64_t
milliseconds(struct statx_timestamp const *t)
{
	return t->tv_sec * 1000 + t->tv_nsec / 1000000;
}

/* What no writer of ours can have put there. */
static void
stray(char const *name, char const *why)
{
	log_2("damaged", "file", name, "why", why);
	spool_set_aside_at(walk.fd_spool, (char[]){"0123456789abcdef"[part], 0}, name);
}

/* A directory or file could not be read: all is tried again sooner, each time after twice as long.
 */
static void
unread(char const *name)
{
	complete = 0;
	log_event("error");
	log_str("file", name);
	log_errno("why", errno);
	log_send();
}

/* Its mtime is when it is due, its birth is when it came. */
static void
look(int fd_dir, char const *name)
{
	struct statx st;
	if (spool_part(name) != (unsigned int)part) {
		stray(name, "in the wrong directory");
		return;
	}
	if (schedule_find(&walk.schedule, name))
		return;
	if (statx(fd_dir, name, AT_SYMLINK_NOFOLLOW,
		STATX_TYPE | STATX_MODE | STATX_MTIME | STATX_BTIME, &st) < 0) {
		if (errno != ENOENT)
			unread(name);
		return;
	}
	int64_t due = milliseconds(&st.stx_mtime);
	/* Further off than any attempt is put: the clock was wrong then. */
	uint64_t far = 2 * (walk.set.retry_max + walk.set.host_retry_max);
	if (due > walk_now() + (int64_t)far)
		due = walk_now();
	if (S_ISREG(st.stx_mode) && (st.stx_mode & 0600) == 0400)
		due = SCHEDULE_NEVER; /* held */
	schedule_add(&walk.schedule, name, due,
	    st.stx_mask & STATX_BTIME ? milliseconds(&st.stx_btime) : due);
}

/* A why file whose message is gone. */
static void
sweep_why(int fd_dir, char const *name)
{
	char base[SPOOL_NAME_MAX + 1];
	char const *colon = strchr(name, ':');
	if ((size_t)(colon - name) >= sizeof base)
		return;
	snprintf(base, sizeof base, "%.*s", (int)(colon - name), name);
	if (faccessat(fd_dir, base, F_OK, 0) < 0 && errno == ENOENT)
		unlinkat(fd_dir, name, 0);
}

/* What a writer left that died, without a name of its own. One that lives is younger. */
static void
sweep_unnamed(int fd_dir, char const *name)
{
	struct stat st;
	if (fstatat(fd_dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
		return;
	if (st.st_mtime < walk_now() / 1000 - SPOOL_TMP_SECONDS && !strchr(name, '+')) {
		unlinkat(fd_dir, name, 0);
		log_1("swept", "file", name);
	}
}

/* Another change within the same tick of the kernel's clock would not show. */
static void
remember(int fd_dir)
{
	struct stat st;
	int const known_well =
	    !fstat(fd_dir, &st) && st.st_mtim.tv_sec < walk_now() / 1000 - WALK_YOUNG_SECONDS;
	seen[part] = known_well ? st.st_mtim : (struct timespec){.tv_nsec = -1};
}

static DIR *
open_part(void)
{
	int const hashed = part < SPOOL_HASHES;
	int fd = hashed ? spool_part_open(walk.fd_spool, (unsigned int)part)
			: openat(walk.fd_spool, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? 0 : fdopendir(fd);
	if (d && hashed)
		remember(fd);
	if (d)
		return d;
	unread(hashed ? (char[]){"0123456789abcdef"[part], 0} : "tmp");
	if (fd >= 0)
		close(fd);
	return 0;
}

/* The directories in which names have come or gone since they were read. */
static unsigned int
changed(void)
{
	unsigned int parts = 0;
	struct stat st;
	for (unsigned int i = 0; i < SPOOL_HASHES; i++)
		if (!fstatat(walk.fd_spool, (char[]){"0123456789abcdef"[i], 0}, &st, 0) &&
		    (st.st_mtim.tv_sec != seen[i].tv_sec || st.st_mtim.tv_nsec != seen[i].tv_nsec))
			parts |= 1u << i;
	return parts;
}

/* From here on what waits in memory is what waits on disk. */
static void
log_known(void)
{
	if (known || !complete || wanted != EVERY_PART)
		return;
	known = 1;
	log_event("read");
	log_num("messages", walk.schedule.count);
	log_send();
}

static void
end(void)
{
	part = -1;
	log_known();
	if (!complete) {
		again = again ? 2 * again : WALK_UNREAD_MS;
		if (next > walk_now() + again)
			next = walk_now() + again;
	} else if (wanted == EVERY_PART)
		again = 0;
}

/* 0 at the end. */
static int
open_next(void)
{
	if (dir)
		closedir(dir);
	dir = 0;
	while (!dir && ++part < PARTS)
		if (wanted & 1u << part)
			dir = open_part();
	if (dir)
		return 1;
	end();
	return 0;
}

/* A scan of the whole spool, or of what has changed: 1 if it is time for one. */
static int
begin(void)
{
	int64_t const now = walk_now();
	if (now < scan_next())
		return 0;
	wanted = now < next ? changed() : EVERY_PART;
	if (wanted == EVERY_PART)
		next = now + WALK_RESCAN_SECONDS * 1000;
	/* Where all of them change all the time, reading them again and again must stay cheap. */
	peek = now + (int64_t)(walk.schedule.count / WALK_PEEK_MESSAGES) +
	       (clock_idle_ms > WALK_PEEK_MS ? clock_idle_ms : WALK_PEEK_MS);
	complete = 1;
	return wanted && open_next();
}

int
scan_step(void)
{
	if (part < 0 && !begin())
		return 0;
	for (int i = 0; i < WALK_SCAN_STEP; i++) {
		errno = 0;
		struct dirent *d = readdir(dir);
		if (!d && errno)
			unread(part == SPOOL_HASHES ? "tmp" : "a directory of the spool");
		if (!d) {
			if (!open_next())
				return 0;
			continue;
		}
		if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, ".."))
			continue;
		if (part == SPOOL_HASHES || d->d_name[0] == '.')
			sweep_unnamed(dirfd(dir), d->d_name);
		else if (strchr(d->d_name, ':'))
			sweep_why(dirfd(dir), d->d_name);
		else if (spool_name_valid(d->d_name))
			look(dirfd(dir), d->d_name);
		else
			stray(d->d_name, "not a spool file's name");
	}
	return 1;
}

/* ---- the fifo ---- */

/* Its writer says that it is on disk. A scan may have found it before that, when it was still lent.
 */
static void
take_name(char const *name)
{
	struct message *m = schedule_find(&walk.schedule, name);
	if (!m)
		m = schedule_add(&walk.schedule, name, walk_now(), walk_now());
	else if (!m->whole && m->where == MESSAGE_LATER)
		schedule_at(&walk.schedule, m, walk_now());
	m->whole = 1;
}

static void
take_line(char const *line)
{
	if (*line == '!')
		obey_line(line);
	else if (spool_name_valid(line))
		take_name(line);
}

static void
take_byte(char c)
{
	if (c != '\n') {
		/* A line too long is none of ours: it becomes one that is no name. */
		if (rest_len < sizeof rest - 1)
			rest[rest_len++] = c;
		return;
	}
	rest[rest_len] = 0;
	rest_len = 0;
	take_line(rest);
}

void
scan_fifo(void)
{
	char buf[WALK_FLOOD];
	ssize_t n = read(fd_fifo, buf, sizeof buf);
	for (ssize_t i = 0; i < n; i++)
		take_byte(buf[i]);
	/* So full, somebody may have found no room for a name. */
	if (n >= fifo_room / 2 || n == sizeof buf)
		scan_soon();
}

/* Notifications that were begun when mda-remote ended: from what is on disk (doc/spool.md) each is
 * finished, or begun anew. */
#include "mda-remote/bounce.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <skalibs/types.h>

#include "lib/durable.h"
#include "lib/log.h"
#include "mda-remote/walk.h"

static int
is_told(struct envelope_rcpt const *r, enum bounce_kind kind)
{
	return kind == BOUNCE_FAILED	? r->state == RCPT_REPORTED
	       : kind == BOUNCE_RELAYED ? r->state == RCPT_DONE
	       : kind == BOUNCE_BY	? r->delay == DELAY_BY_TOLD
					: r->delay != DELAY_UNTOLD;
}

/* The end may have come between two marks of one notification. All that are owed one of its kind
 * stand in it: while it is written, nothing of its message is under way. */
static void
tell_rest(int fd, struct envelope *e, enum bounce_kind kind)
{
	for (unsigned int i = 0; i < e->count; i++) {
		struct envelope_rcpt *r = e->rcpt + i;
		int const delay = kind == BOUNCE_DELAYED || kind == BOUNCE_BY;
		if (delay ? bounce_open_delay(r, kind) : r->state == (char)kind)
			bounce_told(fd, r, kind);
	}
	durable_data(fd);
}

/* 1 if the parked notification is to be sent: step 2 was begun. */
static int
was_marked(char const *base, enum bounce_kind kind, unsigned int i)
{
	struct arena arena = ARENA_ZERO;
	struct envelope e;
	char const *reason;
	int fd = spool_file_open(walk.fd_spool, base, O_RDWR);
	if (fd < 0)
		fd = spool_file_open(walk.fd_spool, base, O_RDONLY); /* held */
	/* The message goes only when step 3 is done. If somebody removed it, or its disk is bad,
	 * its sender is told. */
	int const whole = fd >= 0 && spool_read(&arena, fd, &e, &reason) > 0;
	int const marked = !whole || i >= e.count || is_told(e.rcpt + i, kind);
	if (whole && marked)
		tell_rest(fd, &e, kind);
	if (fd >= 0)
		close(fd);
	arena_free(&arena);
	return marked;
}

/* The parts of a notification's name. 0, or -1 if it is none. */
static int
split(char const *name, char base[static SPOOL_NAME_MAX + 1], char *kind, unsigned int *i)
{
	char const *plus = strrchr(name, '+');
	if (!plus || !plus[1] || !strchr("fsdbn", plus[1]) || !uint0_scan(plus + 2, i))
		return -1;
	memcpy(base, name, (size_t)(plus - name));
	base[plus - name] = 0;
	*kind = plus[1];
	return 0;
}

void
bounce_counted(char const *name)
{
	char base[SPOOL_NAME_MAX + 1], kind;
	struct arena arena = ARENA_ZERO;
	struct envelope e;
	char const *reason;
	unsigned int i;
	int fd =
	    split(name, base, &kind, &i) < 0 ? -1 : spool_file_open(walk.fd_spool, base, O_RDWR);
	if (fd < 0)
		return;
	if (spool_read(&arena, fd, &e, &reason) > 0)
		tell_rest(fd, &e, (enum bounce_kind)kind);
	close(fd);
	arena_free(&arena);
}

static void
recover(char const *name)
{
	char base[SPOOL_NAME_MAX + 1], kind;
	unsigned int i;
	if (!split(name, base, &kind, &i) &&
	    (kind == DIGEST_KIND ? !digest_open(base)
				 : was_marked(base, (enum bounce_kind)kind, i))) {
		log_1("recovered", "file", name);
		spool_publish(walk.fd_spool, name);
		return;
	}
	bounce_unpark(name);
}

void
bounce_recover(void)
{
	int fd = openat(walk.fd_spool, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? 0 : fdopendir(fd);
	if (!dir)
		return;
	for (struct dirent *d; (d = readdir(dir));)
		if (spool_name_valid(d->d_name) && strchr(d->d_name, '+'))
			recover(d->d_name);
	closedir(dir);
}

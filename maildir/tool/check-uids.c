/* dovecot-uidlist: lines that cannot be understood, that a later one of the same message
 * supersedes, that have no file. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/sa.h"
#include "maildir/limits.h"
#include "maildir/lock.h"
#include "maildir/numbers.h"
#include "maildir/tool/check.h"

#define LOOKS 10	  /* until the directories stand still */
#define LOOK_NS 300000000 /* between two */

struct line {
	uint32_t offset, uid;
	uint32_t base_len;
	size_t base; /* in text */
	int dead;
};

struct list {
	struct uidlist u;
	struct line *line;
	size_t count, room;
	struct names last; /* base names to lines */
	stralloc text;
	uint64_t doubles, orphans;
};

static void
take_line(void *arg, struct uidlist_line const *l)
{
	struct list *x = arg;
	if (x->count == x->room) {
		x->room = x->room ? 2 * x->room : 256;
		x->line = xrealloc(x->line, x->room, sizeof *x->line);
	}
	uint32_t *i = names_add(&x->last, l->base, l->base_len, (uint32_t)x->count);
	if (i && *i != x->count) {
		x->line[*i].dead = 1;
		x->doubles++;
		*i = (uint32_t)x->count;
	}
	x->line[x->count++] =
	    (struct line){l->offset, l->uid, (uint32_t)l->base_len, x->text.len, 0};
	sa_catb(&x->text, l->base, l->base_len);
}

static void
list_free(struct list *x)
{
	uidlist_close(&x->u);
	names_free(&x->last);
	stralloc_free(&x->text);
	free(x->line);
	*x = (struct list){.u = UIDLIST_ZERO};
}

/* Marks lines whose file is nowhere. 1; 0: the directories do not stand still; -1. */
static int
find_orphans(struct check *c, struct list *x)
{
	for (int i = 0; i < LOOKS; i++) {
		struct names bases = NAMES_ZERO;
		int r = check_bases(c, &bases);
		for (size_t k = 0; r > 0 && k < x->count; k++)
			if (!x->line[k].dead &&
			    !names_find(&bases, x->text.s + x->line[k].base, x->line[k].base_len)) {
				x->line[k].dead = 1;
				x->orphans++;
			}
		names_free(&bases);
		if (r)
			return r;
		struct timespec t = {0, LOOK_NS};
		nanosleep(&t, 0);
	}
	return 0;
}

/* Whether there is an unfinished line at the end. */
static int
is_torn(struct list const *x)
{
	struct stat st;
	return x->u.fd >= 0 && !fstat(x->u.fd, &st) && st.st_size > x->u.parsed;
}

static int
read_list(struct check *c, struct list *x)
{
	return uidlist_read(&x->u, c->fd_dir, take_line, x) < 0 ? -1 : 0;
}

static int
strike_dead(struct check *c, struct list *x)
{
	struct numbers lines = NUMBERS_ZERO;
	for (size_t i = 0; i < x->count; i++)
		if (x->line[i].dead)
			numbers_add_pair(&lines, x->line[i].offset, x->line[i].uid);
	int r = uidlist_strike(&x->u, c->fd_dir, lines.at, lines.count / 2), e = errno;
	numbers_free(&lines);
	errno = e;
	return r;
}

/* Under the lock everything is read once more: what is repaired is what is there now. */
static int
repair_locked(struct check *c)
{
	struct list x = {.u = UIDLIST_ZERO};
	int r = read_list(c, &x);
	if (!r && (x.u.damaged || x.u.version != 3 || is_torn(&x))) {
		r = uidlist_rewrite(&x.u, c->fd_dir);
		if (!r) {
			list_free(&x);
			r = read_list(c, &x);
		}
	}
	if (!r && (r = find_orphans(c, &x)) >= 0)
		r = strike_dead(c, &x);
	int e = errno;
	list_free(&x);
	errno = e;
	return r;
}

static int
repair(struct check *c)
{
	struct lock lock;
	if (lock_take(&lock, c->fd_dir, MAILDIR_LOCK_WAIT) < 0)
		return -1;
	int r = repair_locked(c);
	lock_release(&lock);
	return r;
}

void
check_uids(struct check *c)
{
	struct list x = {.u = UIDLIST_ZERO};
	if (uidlist_scan(&x.u, c->fd_dir, "dovecot-uidlist", take_line, &x) < 0 &&
	    errno != EINVAL) {
		list_free(&x); /* check_readable has said it */
		return;
	}
	if (x.u.fd < 0) {
		list_free(&x); /* none: the first session makes it */
		return;
	}
	if (!x.u.validity) {
		/* The store makes a new one: clients fetch anew. check_messages opens the folder.
		 */
		check_found(c, "uidlist-header", 1, c->nameless ? FOUND_LEFT : FOUND_REPAIRED,
		    "a new UIDVALIDITY");
		list_free(&x);
		return;
	}
	int still = find_orphans(c, &x), torn = is_torn(&x);
	uint64_t damaged = (uint64_t)x.u.damaged;
	int r = c->dry || (!damaged && !torn && !x.doubles && !x.orphans) ? 0 : repair(c);
	check_repaired(c, "uidlist-line", damaged, r, 0);
	check_repaired(c, "uidlist-torn", (uint64_t)torn, r, 0);
	check_repaired(c, "uidlist-double", x.doubles, r, 0);
	check_repaired(c, "line-without-file", x.orphans, r, 0);
	check_found(c, "busy", still == 0, FOUND_NOTED,
	    "the folder changes all the time: lines without files not looked for");
	list_free(&x);
}

/* Files of messages: names, sizes, modes, keyword letters. Names that cannot stay are changed by
 * the store itself, when it opens the folder. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/sa.h"
#include "maildir/folder.h"
#include "maildir/layout.h"
#include "maildir/message.h"
#include "maildir/name.h"
#include "maildir/tool/check.h"
#include "maildir/tool/say.h"

/* Two names of one file are left to whoever may be between link(2) and unlink(2), for so long. */
#define LINK_SECONDS 120

/* Odd things, by kind; the store repairs those up to ODD_REPAIRED when it opens the folder. */
enum odd {
	ODD_NEWLINE,
	ODD_DUPLICATE,
	ODD_UNNUMBERED,
	ODD_TWO_NAMES,
	ODD_NO_FILE,
	ODD_SIZE,
	ODD_WIRE,
	ODD_MODE,
	ODD_KINDS
};
#define ODD_REPAIRED ODD_UNNUMBERED
/* clang-format off */
static char const *const kinds[ODD_KINDS] = {
	[ODD_NEWLINE] = "newline-in-name", [ODD_DUPLICATE] = "duplicate-base", [ODD_UNNUMBERED] = "without-uid",
	[ODD_TWO_NAMES] = "two-names", [ODD_NO_FILE] = "not-a-message", [ODD_SIZE] = "wrong-size", [ODD_WIRE] = "wrong-wire-size",
	[ODD_MODE] = "message-mode",
};
/* clang-format on */

struct look {
	struct check *c;
	int contents; /* count octets as well */
	uint64_t odd[ODD_KINDS];
	uint64_t failed[ODD_KINDS]; /* of these could not be repaired */
	struct names have;	    /* base names: 1 + index of file */
	struct names lines;	    /* base names in dovecot-uidlist */
	struct names unnumbered;    /* base names in cur/ that are not */
	struct names const *before; /* what was unnumbered then; others have come meanwhile */
	struct seen {
		ino_t ino;
		time_t changed;
		int in_new;
	} * file;
	uint32_t count, room;
	uint32_t letters;
	struct progress bar;
	uint64_t done;
};

/* ---- one file ---------------------------------------------------------------------------------
 */

static void
check_sizes(struct look *l, int fd, char const *file, struct name const *n, struct stat const *st)
{
	struct message m;
	uint64_t wire;
	if (n->disk != NAME_UNKNOWN && n->disk != (uint64_t)st->st_size)
		l->odd[ODD_SIZE]++;
	if (n->wire == NAME_UNKNOWN)
		return;
	int fd_file = openat(fd, file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd_file < 0 || message_init(&m, fd_file) < 0)
		return;
	l->odd[ODD_WIRE] += !message_size(&m, &wire) && wire != n->wire;
	message_close(&m);
}

/* The base name was seen before. A file that bears two names loses the older one, when surely
 * nobody is about to. */
static void
check_twice(
    struct look *l, int fd, char const *file, struct seen const *first, struct stat const *st)
{
	if (first->ino != st->st_ino) {
		l->odd[ODD_DUPLICATE]++;
		return;
	}
	if (time(0) - st->st_ctime <= LINK_SECONDS)
		return;
	l->odd[ODD_TWO_NAMES]++;
	if (!l->c->dry && unlinkat(fd, file, 0) < 0)
		l->failed[ODD_TWO_NAMES]++;
}

static void
check_file(struct look *l, int fd, char const *file, int in_new)
{
	struct name n;
	struct stat st;
	size_t len = strlen(file);
	if (file[0] == '.' || fstatat(fd, file, &st, 0) < 0)
		return;
	if (!S_ISREG(st.st_mode) || !name_parse(&n, file, len)) {
		l->odd[ODD_NO_FILE]++;
		return;
	}
	if (memchr(file, '\n', len)) {
		l->odd[ODD_NEWLINE]++;
		return;
	}
	uint32_t *i = names_add(&l->have, file, n.base_len, l->count);
	if (*i != l->count) {
		check_twice(l, fd, file, l->file + *i, &st);
		return;
	}
	if (l->count == l->room) {
		l->room = l->room ? 2 * l->room : 256;
		l->file = xrealloc(l->file, l->room, sizeof *l->file);
	}
	l->file[l->count++] = (struct seen){st.st_ino, st.st_ctime, in_new};
	l->letters |= n.letters;
	/* What has just been delivered has no UID before a session looks. */
	if (!in_new && !names_find(&l->lines, file, n.base_len) &&
	    (!l->before || names_find(l->before, file, n.base_len))) {
		names_add(&l->unnumbered, file, n.base_len, 0);
		l->odd[ODD_UNNUMBERED]++;
	}
	if ((st.st_mode & 0602) != 0600) {
		l->odd[ODD_MODE]++;
		if (!l->c->dry &&
		    fchmodat(fd, file, ((st.st_mode & 07777) | 0600) & ~(mode_t)02, 0) < 0)
			l->failed[ODD_MODE]++;
	}
	if (l->contents)
		check_sizes(l, fd, file, &n, &st);
}

/* ---- a look at the folder ---------------------------------------------------------------------
 */

static void
note_line(void *arg, struct uidlist_line const *line)
{
	struct look *l = arg;
	names_add(&l->lines, line->base, line->base_len, 0);
}

static int
look_dir(struct look *l, char const *sub, int in_new)
{
	DIR *d = layout_read(l->c->fd_dir, sub);
	if (!d)
		return -1;
	int const fd = dirfd(d);
	for (struct dirent *e; (e = readdir(d)) && !tool_stop;) {
		check_file(l, fd, e->d_name, in_new);
		progress_at(&l->bar, ++l->done);
	}
	closedir(d);
	return 0;
}

/* The first look counts octets as well; one behind it, of what has no UID, only what had none then.
 * 0 or -1. */
static int
look(struct look *l, struct check *c, struct look *before)
{
	struct uidlist u = UIDLIST_ZERO;
	*l = (struct look){
	    .c = c, .contents = !before, .before = before ? &before->unnumbered : 0};
	if (uidlist_scan(&u, c->fd_dir, "dovecot-uidlist", note_line, l) < 0 && errno != EINVAL)
		check_found(c, "unreadable", 1, FOUND_LEFT, "dovecot-uidlist");
	uidlist_close(&u);
	progress_begin(&l->bar, c->t, c->name, 0);
	/* cur/ first: of a message that is in both, that name counts. */
	int r = look_dir(l, "cur", 0) < 0 || look_dir(l, "new", 1) < 0 ? -1 : 0, e = errno;
	progress_end(&l->bar);
	errno = e;
	return r;
}

static void
look_free(struct look *l)
{
	names_free(&l->have);
	names_free(&l->lines);
	names_free(&l->unnumbered);
	free(l->file);
}

/* ---- keywords ---------------------------------------------------------------------------------
 */

/* A letter without a name would mean the next keyword that a client makes; so it gets a name. */
static int
name_letters(struct check *c, uint32_t letters)
{
	struct keywords k = KEYWORDS_ZERO;
	struct lock lock;
	if (lock_take(&lock, c->fd_dir, MAILDIR_LOCK_WAIT) < 0)
		return -1;
	int r = keywords_read(&k, c->fd_dir, 0, 0) < 0 ? -1 : 0;
	for (unsigned int i = 0; !r && i < MAILDIR_LETTERS; i++) {
		char name[20];
		snprintf(name, sizeof name, "unknown-%c", (int)('a' + i));
		if (!(letters >> i & 1) || k.name[i] || keywords_find(&k, name, strlen(name)) >= 0)
			continue;
		k.name[i] = xstrdup(name);
		keyword_add(&k.unsaved, i);
		if (k.count <= i)
			k.count = i + 1;
	}
	if (!r)
		r = keywords_save(&k, c->fd_dir);
	int e = errno;
	lock_release(&lock);
	keywords_free(&k);
	errno = e;
	return r;
}

static void
check_letters(struct check *c, uint32_t letters)
{
	struct keywords k = KEYWORDS_ZERO;
	uint64_t n = 0;
	/* What cannot be read check_readable has told. */
	if (keywords_read(&k, c->fd_dir, 0, 0) >= 0)
		for (unsigned int i = 0; i < MAILDIR_LETTERS; i++)
			n += letters >> i & 1 && !k.name[i];
	keywords_free(&k);
	if (n)
		check_repaired(c, "nameless-keyword", n, c->dry ? 0 : name_letters(c, letters), 0);
}

/* ---- all of it --------------------------------------------------------------------------------
 */

/* Opening the folder gives UIDs to files, and names of their own where that is needed. */
static void
open_once(struct check *c)
{
	struct folder *f;
	if (c->nameless)
		return;
	if (folder_open(&f, &c->t->tree, c->name, 0, 0) < 0)
		check_found(c, "cannot-open", 1, FOUND_LEFT, strerror(errno));
	else
		folder_close(f);
}

void
check_messages(struct check *c)
{
	struct look first, then;
	uint64_t wrong = 0;
	if (look(&first, c, 0) < 0) {
		if (!c->dry)
			check_found(c, "unreadable", 1, FOUND_LEFT, strerror(errno));
		look_free(&first);
		return;
	}
	for (int i = 0; i <= ODD_REPAIRED; i++)
		wrong += first.odd[i];
	if (wrong && !c->dry) {
		open_once(c);
		(void)look(&then, c, &first);
		for (int i = 0; i <= ODD_REPAIRED; i++)
			first.failed[i] = then.odd[i] < first.odd[i] ? then.odd[i] : first.odd[i];
		look_free(&then);
	}
	for (int i = 0; i < ODD_KINDS; i++) {
		int noted = i == ODD_NO_FILE || i == ODD_SIZE || i == ODD_WIRE;
		check_found(c, kinds[i], first.odd[i] - first.failed[i],
		    noted ? FOUND_NOTED : FOUND_REPAIRED, 0);
		check_found(c, kinds[i], first.failed[i], FOUND_LEFT, 0);
	}
	check_letters(c, first.letters);
	look_free(&first);
}

static int
add_bases(struct check *c, char const *sub, struct names *bases)
{
	struct name n;
	DIR *d = layout_read(c->fd_dir, sub);
	if (!d)
		return -1;
	for (struct dirent *e; (e = readdir(d));)
		if (name_parse(&n, e->d_name, strlen(e->d_name)))
			names_add(bases, e->d_name, n.base_len, 0);
	closedir(d);
	return 0;
}

int
check_bases(struct check *c, struct names *bases)
{
	struct stat cur[2], new[2];
	if (fstatat(c->fd_dir, "cur", cur, 0) < 0 || fstatat(c->fd_dir, "new", new, 0) < 0 ||
	    add_bases(c, "new", bases) < 0 || add_bases(c, "cur", bases) < 0 ||
	    fstatat(c->fd_dir, "cur", cur + 1, 0) < 0 || fstatat(c->fd_dir, "new", new + 1, 0) < 0)
		return -1;
	/* A stamp as young as the clock's tick proves nothing. */
	time_t now = time(0);
	return cur[0].st_mtim.tv_sec == cur[1].st_mtim.tv_sec &&
	       cur[0].st_mtim.tv_nsec == cur[1].st_mtim.tv_nsec &&
	       new[0].st_mtim.tv_sec == new[1].st_mtim.tv_sec &&new[0].st_mtim.tv_nsec ==
		   new[1].st_mtim.tv_nsec &&cur[1].st_mtim.tv_sec < now - 1 &&
	       new[1].st_mtim.tv_sec < now - 1;
}

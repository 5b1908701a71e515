#include "maildir/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/sa.h"
#include "maildir/filesystem.h"
#include "maildir/layout.h"

/* root or root/.DISK into path. */
static int
put_path(struct maildir_tree const *t, char const *name, int raw, stralloc *path)
{
	stralloc disk = STRALLOC_ZERO;
	int r = tree_name_forms(t, name, raw, &disk);
	if (!r) {
		sa_copys(path, t->root);
		if (disk.len != 5 || memcmp(disk.s, "INBOX", 5)) {
			sa_cats(path, "/.");
			sa_catb(path, disk.s, disk.len);
		}
		sa_str(path);
	}
	stralloc_free(&disk);
	return r;
}

int
tree_dir(struct maildir_tree const *t, char const *name, stralloc *path)
{
	stralloc other = STRALLOC_ZERO;
	if (put_path(t, name, 0, path) < 0)
		return -1;
	int r = layout_exists(path->s);
	if (!r && !put_path(t, name, 1, &other) && layout_exists(other.s) == 1) {
		sa_copys(path, other.s);
		sa_str(path);
		r = 1;
	}
	stralloc_free(&other);
	return r;
}

/* ---- listing ----------------------------------------------------------------------------------
 */

struct listing {
	struct maildir_tree const *t;
	struct tree_list *list;
	size_t room;
};

static void
add(struct listing *l, char const *name, size_t len, unsigned int flags)
{
	struct tree_list *t = l->list;
	if (t->count == l->room) {
		l->room = l->room ? 2 * l->room : 32;
		t->folder = xrealloc(t->folder, l->room, sizeof *t->folder);
	}
	t->folder[t->count++] = (struct tree_folder){xstrndup(name, len), flags};
}

/* The names that lead to it; those that exist are added by themselves. */
static void
add_ancestors(struct listing *l, char const *name)
{
	size_t start = strlen(l->t->prefix);
	for (char const *p = name + start; (p = strchr(p, l->t->separator)); p++)
		add(l, name, (size_t)(p - name), TREE_NOSELECT);
}

static int
has_new(int fd_dir)
{
	int fd = layout_sub(fd_dir, "new"), any = 0;
	DIR *d = fd < 0 ? 0 : fdopendir(fd);
	if (!d) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	for (struct dirent *e; !any && (e = readdir(d));)
		any = e->d_name[0] != '.';
	closedir(d);
	return any;
}

int
tree_has_new(char const *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int any = fd >= 0 && has_new(fd);
	if (fd >= 0)
		close(fd);
	return any;
}

/* 1 if an entry that may be a folder is one, with its descriptor in *fd; 0 if not. -1 if that
 * cannot be said now: a client to which a folder is not listed may forget all it has of it. */
static int
open_entry(int fd_root, char const *entry, int *fd)
{
	struct stat st;
	*fd = openat(fd_root, entry, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = *fd < 0 ? -1 : fstatat(*fd, "cur", &st, 0);
	if (!r)
		return 1;
	int e = errno;
	if (e == ENOENT &&
	    !(*fd < 0 ? filesystem_absent(fd_root, entry) : filesystem_absent(*fd, "cur")))
		e = errno;
	if (*fd >= 0)
		close(*fd);
	errno = e;
	return e == ENOENT || e == ENOTDIR || e == EACCES || e == ELOOP ? 0 : -1;
}

/* One entry of the root. 0 or -1. */
static int
take_entry(struct listing *l, int fd_root, char const *entry)
{
	stralloc name = STRALLOC_ZERO;
	int fd, r = 0;
	/* .INBOX without a dot behind it cannot be told from the root. */
	if (entry[0] == '.' && entry[1] && entry[1] != '.' && strcmp(entry, ".INBOX") &&
	    !tree_client_name(l->t, entry + 1, strlen(entry + 1), &name))
		r = open_entry(fd_root, entry, &fd);
	if (r > 0) {
		add(l, name.s, name.len, has_new(fd) ? TREE_NEW : 0);
		add_ancestors(l, sa_str(&name));
		close(fd);
	}
	int e = errno;
	stralloc_free(&name);
	errno = e;
	return r < 0 ? -1 : 0;
}

static int
is_listed_inbox(char const *s)
{
	return !strcmp(s, "INBOX");
}

static int
by_name(void const *a, void const *b, void *sep)
{
	char const *x = ((struct tree_folder const *)a)->name;
	char const *y = ((struct tree_folder const *)b)->name;
	if (is_listed_inbox(x) != is_listed_inbox(y))
		return is_listed_inbox(x) ? -1 : 1;
	for (; *x && *x == *y; x++, y++)
		;
	int p = *x == *(char *)sep ? 1 : (unsigned char)*x + (*x != 0);
	int q = *y == *(char *)sep ? 1 : (unsigned char)*y + (*y != 0);
	return p - q;
}

/* Sorted names: equal ones become one, and who is followed by its own child has children. */
static void
finish(struct listing *l)
{
	struct tree_list *t = l->list;
	char sep = l->t->separator;
	size_t to = 0;
	qsort_r(t->folder, t->count, sizeof *t->folder, by_name, &sep);
	for (size_t i = 0; i < t->count; i++) {
		if (to && !strcmp(t->folder[to - 1].name, t->folder[i].name)) {
			unsigned int a = t->folder[to - 1].flags, b = t->folder[i].flags;
			t->folder[to - 1].flags =
			    ((a | b) & ~(unsigned int)TREE_NOSELECT) | (a & b & TREE_NOSELECT);
			free(t->folder[i].name);
		} else
			t->folder[to++] = t->folder[i];
	}
	t->count = to;
	for (size_t i = 0; i < to; i++) {
		size_t n = strlen(t->folder[i].name);
		for (size_t j = i + 1; j < to; j++) {
			char const *next = t->folder[j].name;
			if (!strncmp(next, t->folder[i].name, n) && next[n] == sep)
				t->folder[i].flags |= TREE_CHILDREN;
			else if (i == 0 && is_listed_inbox(t->folder[0].name))
				continue; /* INBOX stands first, its children further down */
			break;
		}
	}
}

int
tree_list(struct maildir_tree const *t, struct tree_list *list)
{
	struct listing l = {t, list, 0};
	*list = (struct tree_list){0, 0};
	DIR *d = opendir(t->root);
	if (!d)
		return -1;
	add(&l, "INBOX", 5, has_new(dirfd(d)) ? TREE_NEW : 0);
	errno = 0;
	for (struct dirent *e; (e = readdir(d)); errno = 0)
		if (take_entry(&l, dirfd(d), e->d_name) < 0)
			break;
	int error = errno;
	closedir(d);
	finish(&l);
	errno = error;
	return error ? -1 : 0;
}

void
tree_list_free(struct tree_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->folder[i].name);
	free(list->folder);
	*list = (struct tree_list){0, 0};
}

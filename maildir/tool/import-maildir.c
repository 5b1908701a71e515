/* A Maildir's folders, messages and side files, whoever served it. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <skalibs/strerr.h>

#include "lib/sa.h"
#include "lib/fnv.h"
#include "maildir/layout.h"
#include "maildir/metadata.h"
#include "maildir/side-file.h"
#include "maildir/subscriptions.h"
#include "maildir/tool/folders.h"
#include "maildir/tool/import.h"
#include "maildir/tool/say.h"

#define SMALL_FILE 1048576 /* dovecot-acl */
/* Longer names have no room for every flag. */
#define BASE_ROOM (MAILDIR_NAME_MAX - 3 - 6 - MAILDIR_LETTERS)

/* ---- one message ------------------------------------------------------------------------------
 */

/* Its name here: its own, so that it is known again. One that no line of dovecot-uidlist can hold
 * becomes one that is made from it. */
static void
make_base(stralloc *base, char const *s, size_t len)
{
	if (len <= BASE_ROOM && !memchr(s, '\n', len)) {
		sa_copyb(base, s, len);
		return;
	}
	sa_reset(base);
	sa_catf(base, "%lld.H%016llx.import", strtoll(s, 0, 10) > 0 ? strtoll(s, 0, 10) : 0LL,
	    (unsigned long long)fnv64(FNV64_BEGIN, s, len));
}

/* 0; -1: the source cannot be read. What cannot be written ends the program. */
static int
copy_message(struct source *s, struct source_message *m, struct target *x, struct arriving const *a)
{
	char buf[65536];
	struct delivery d;
	struct stat st;
	ssize_t n;
	int fd = openat(source_fd(s, m), source_file(s, m), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		errno = EINVAL;
		return -1;
	}
	if (delivery_begin(&d, x->dir) < 0)
		import_die("write to", x->dir);
	while ((n = read(fd, buf, sizeof buf)) > 0)
		if (delivery_write(&d, buf, (size_t)n) < 0)
			break;
	int e = errno;
	close(fd);
	if (n < 0) {
		delivery_abort(&d);
		errno = e;
		return -1;
	}
	if (target_add(x, a, &d, &st.st_mtim) < 0) {
		delivery_abort(&d);
		import_die("write to", x->dir);
	}
	return 0;
}

/* By link, where that is asked for and possible, else by copy. */
static int
try_message(struct import *im, struct source *s, struct source_message *m, struct target *x,
    struct arriving const *a)
{
	int r = im->link ? target_link(x, a, source_fd(s, m), source_file(s, m)) : 0;
	if (r > 0)
		return 0;
	if (r < -1)
		import_die("write to", x->dir);
	/* Another file system or owner, or one without links. */
	if (r < 0 && errno != EXDEV && errno != EPERM && errno != EMLINK && errno != EOPNOTSUPP)
		return -1;
	return copy_message(s, m, x, a);
}

/* Its server may rename it at any moment. -1 with ENOENT: it is gone. */
static int
bring(struct import *im, struct source *s, struct source_message *m, struct target *x,
    struct arriving const *a)
{
	for (int looks = 0;; looks++) {
		if (!try_message(im, s, m, x, a))
			return 0;
		if (errno != ENOENT || looks == SOURCE_LOOKS)
			return -1;
		if (source_look_again(s) < 0)
			return -1;
	}
}

static void
import_message(struct import *im, struct source *s, struct source_message *m, struct target *x,
    struct import_count *n)
{
	stralloc base = STRALLOC_ZERO;
	make_base(&base, source_file(s, m), m->base_len);
	unsigned int have = target_has(x, base.s, base.len);
	struct arriving a = {.base = base.s,
	    .base_len = base.len,
	    .flags = m->flags,
	    .in_new = m->in_new,
	    .names = &s->keywords,
	    .set = m->set,
	    .uid = m->uid};
	char *keys = xstrdup(s->text.s + m->keys); /* text may move */
	a.keys = keys;
	if (!(have & TARGET_FILE)) {
		int r = bring(im, s, m, x, &a);
		if (r < 0 && errno == ENOENT)
			n->gone++;
		else if (r < 0) {
			say_warn(errno, "unable to read %s/%s", s->dir, source_file(s, m));
			n->failed++;
			im->verdict = verdict_worse(im->verdict, VERDICT_PROBLEMS);
		}
	} else if (!(have & TARGET_LINE) && target_line(x, &a) < 0)
		import_die("write to", x->dir);
	else
		n->there++;
	free(keys);
	stralloc_free(&base);
}

/* ---- folders ----------------------------------------------------------------------------------
 */

/* A side file that is kept as it is, where there is none yet. */
static void
copy_side_file(struct import *im, char const *from, char const *name, struct target const *x)
{
	stralloc text = STRALLOC_ZERO;
	if (faccessat(x->fd_dir, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0) {
		int r = side_file_read(from, name, SMALL_FILE, &text);
		if (r < 0) {
			say_warn(errno, "unable to read %s/%s", from, name);
			im->verdict = verdict_worse(im->verdict, VERDICT_PROBLEMS);
		} else if (r > 0 && layout_replace(x->fd_dir, name, text.s, text.len, 0600) < 0)
			import_die("write to", x->dir);
	}
	stralloc_free(&text);
}

static void
import_messages(struct import *im, struct source *s, struct target *x, char const *folder)
{
	struct import_count n = {.odd = s->odd};
	struct progress p;
	progress_begin(&p, im->t, folder, s->count);
	for (size_t i = 0; i < s->count && !import_stopped(im); i++) {
		import_message(im, s, s->m + i, x, &n);
		progress_at(&p, i + 1);
	}
	progress_end(&p);
	if ((tool_stop ? target_commit(x) : target_finish(x)) < 0)
		import_die("write to", x->dir);
	import_report(im, folder, x, &n);
}

static void
import_folder(
    struct import *im, struct maildir_tree const *from, char const *name, enum source_kind kind)
{
	stralloc dir = STRALLOC_ZERO;
	struct source s;
	struct target x;
	char *folder = import_name(im, name);
	if (tree_dir(from, name, &dir) < 0 ||
	    source_open(&s, dir.s, strcmp(name, "INBOX") ? 0 : from->root, kind) < 0)
		import_die("read folder", name);
	struct origin o = {s.uidlist.validity, s.uidlist.next, s.uidlist.guid};
	if (target_open(&x, &im->t->tree, folder, &o) < 0)
		import_die("open folder", folder);
	copy_side_file(im, dir.s, "dovecot-acl", &x);
	import_messages(im, &s, &x, folder);
	target_close(&x);
	source_close(&s);
	stralloc_free(&dir);
	free(folder);
}

/* ---- what stands at the root ------------------------------------------------------------------
 */

static void
import_subscriptions(struct import *im, struct maildir_tree const *from)
{
	struct subscriptions s, have;
	if (subscriptions_read(from, &s) < 0 || subscriptions_read(&im->t->tree, &have) < 0)
		import_die("read subscriptions of", from->root);
	for (size_t i = 0; i < s.count; i++) {
		char *folder = import_name(im, s.name[i]);
		if (!subscriptions_has(&have, folder) &&
		    subscriptions_set(&im->t->tree, folder, 1) < 0)
			say_warn(errno, "unable to subscribe to %s", folder);
		free(folder);
	}
	subscriptions_free(&s);
	subscriptions_free(&have);
}

static int
take_entry(void *arg, char const *name, char const *key, char const *value, size_t len)
{
	struct import *im = arg;
	stralloc have = STRALLOC_ZERO;
	char *folder = *name ? import_name(im, name) : xstrdup(name);
	int r = metadata_get(&im->t->tree, folder, key, &have);
	if (!r)
		r = metadata_set(&im->t->tree, folder, key, value, len);
	if (r < 0)
		say_warn(errno, "unable to keep %s of %s", key, folder);
	free(folder);
	stralloc_free(&have);
	return 0;
}

static void
tell_nameless(void *arg, char const *entry, char const *name)
{
	struct import *im = arg;
	if (name)
		return;
	say_warn(0, "left out: the name of %s/%s is neither modified UTF-7 nor UTF-8", im->source,
	    entry);
	im->verdict = verdict_worse(im->verdict, VERDICT_PROBLEMS);
}

void
import_maildir(struct import *im, enum source_kind kind)
{
	struct maildir_tree from = TREE_DEFAULT(im->source);
	struct tree_list list;
	if (tree_list(&from, &list) < 0 || folders_each(im->source, tell_nameless, im) < 0)
		import_die("read", im->source);
	for (size_t i = 0; i < list.count && !import_stopped(im); i++)
		if (!(list.folder[i].flags & TREE_NOSELECT))
			import_folder(im, &from, list.folder[i].name, kind);
	tree_list_free(&list);
	if (tool_stop)
		return;
	import_subscriptions(im, &from);
	if (metadata_each(&from, 0, take_entry, im) < 0)
		import_die("read metadata of", im->source);
}

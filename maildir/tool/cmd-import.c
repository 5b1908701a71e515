/* maildir import: which kind of source it is, and what is said about it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <skalibs/strerr.h>

#include "lib/durable.h"
#include "lib/sa.h"
#include "maildir/layout.h"
#include "maildir/tool/import.h"
#include "maildir/tool/say.h"

/* clang-format off */
static struct format {
	char const *name;
	int mbox;
	int kind; /* enum mbox_format, enum source_kind */
} const formats[] = {
	{"mbox",    1, MBOX_ANY},
	{"mboxo",   1, MBOX_O},
	{"mboxrd",  1, MBOX_RD},
	{"mboxcl",  1, MBOX_CL},
	{"mboxcl2", 1, MBOX_CL2},
	{"maildir", 0, SOURCE_MAILDIR},
	{"dovecot", 0, SOURCE_DOVECOT},
	{"courier", 0, SOURCE_COURIER},
};
/* clang-format on */
#define FORMATS (sizeof formats / sizeof *formats)
#define MBOX_FORMAT formats
#define MAILDIR_FORMAT (formats + 5)

char *
import_name(struct import const *im, char const *name)
{
	stralloc out = STRALLOC_ZERO;
	if (!im->folder)
		return xstrdup(name);
	sa_cats(&out, im->folder);
	if (strcmp(name, "INBOX"))
		sa_catf(&out, "%c%s", im->t->tree.separator, name);
	return sa_str(&out);
}

int
import_stopped(struct import *im)
{
	if (tool_stop)
		im->verdict = VERDICT_INTERRUPTED;
	return tool_stop;
}

void
import_die(char const *what, char const *name)
{
	int code = errno == EINVAL || errno == ENAMETOOLONG ? 100 : 111;
	(void)say_flush();
	strerr_diefu3sys(code, what, " ", name);
}

void
import_report(
    struct import *im, char const *name, struct target const *x, struct import_count const *n)
{
	uint64_t odd = n->odd + x->keywords_lost;
	char const *uids = !x->keep ? "new" : x->renumbered ? "some new" : "kept";
	if (im->t->json) {
		json_begin();
		json_str("folder", name);
		json_num("imported", x->arrived);
		json_num("already", n->there);
		json_num("gone", n->gone);
		json_num("failed", n->failed);
		json_str("uids", uids);
		json_num("renumbered", x->renumbered);
		json_num("keywords_lost", odd);
		json_num("uidvalidity", x->uidlist.validity);
		json_end();
		return;
	}
	say(im->t, "%s: %llu imported, %llu were there; UIDs: %s", name,
	    (unsigned long long)x->arrived, (unsigned long long)n->there, uids);
	if (n->gone)
		say(im->t, "%s: %llu went from the source meanwhile", name,
		    (unsigned long long)n->gone);
	if (n->failed)
		say(im->t, "%s: %llu could not be read", name, (unsigned long long)n->failed);
	if (odd)
		say(im->t, "%s: %llu keywords have no place here", name, (unsigned long long)odd);
}

/* ---- the source -------------------------------------------------------------------------------
 */

static int
is_there(char const *dir, char const *below)
{
	struct stat st;
	stralloc path = STRALLOC_ZERO;
	sa_catf(&path, "%s/%s", dir, below);
	int r = !stat(sa_str(&path), &st);
	stralloc_free(&path);
	return r;
}

/* Dovecot's own stores are read by Dovecot only. */
static void
refuse_dbox(char const *source, char const *dir)
{
	char const *kind = is_there(source, "mailboxes") && is_there(source, "storage") ? "mdbox"
			   : is_there(source, "mailboxes/INBOX/dbox-Mails")		? "sdbox"
											: 0;
	stralloc command = STRALLOC_ZERO;
	char *from = realpath(source, 0), *slash = *dir == '/' ? "" : realpath(".", 0);
	if (kind) {
		sa_catf(&command,
		    "doveadm -o namespace/inbox/separator=/ -o mail_location=%s:%s backup -u USER "
		    "maildir:%s%s%s",
		    kind, from, slash, *slash ? "/" : "", dir);
		strerr_dief5x(
		    100, source, " is Dovecot's ", kind, ". This converts it: ", sa_str(&command));
	}
	free(from);
	if (*slash)
		free(slash);
}

/* What a pipe brings, in a file that can be read twice. */
static int
seekable(int fd)
{
	char buf[65536];
	ssize_t n;
	char const *tmp = getenv("TMPDIR");
	if (lseek(fd, 0, SEEK_CUR) >= 0)
		return fd;
	int to = open(tmp ? tmp : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (to < 0)
		import_die("make a file in", tmp ? tmp : "/tmp");
	while ((n = read(fd, buf, sizeof buf)) != 0)
		if ((n < 0 && errno != EINTR) || (n > 0 && durable_write(to, buf, (size_t)n) < 0))
			import_die("read", "standard input");
	return to;
}

static int
open_source(char const *source)
{
	if (!strcmp(source, "-"))
		return seekable(0);
	int fd = open(source, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		strerr_diefu2sys(errno == ENOENT ? 100 : 111, "open ", source);
	return seekable(fd);
}

/* By its name; null: by what it looks like. */
static struct format const *
find_format(char const *name, char const *source, int is_dir)
{
	for (unsigned int i = 0; name && i < FORMATS; i++)
		if (!strcmp(name, formats[i].name))
			return formats + i;
	if (name)
		strerr_dief2x(100, "no such format: ", name);
	if (!is_dir)
		return MBOX_FORMAT;
	return is_there(source, "cur") || is_there(source, "new") ? MAILDIR_FORMAT : MBOX_FORMAT;
}

/* One import into a Maildir at a time: two at once would not see one another's messages. */
static void
keep_others_out(struct tool *t)
{
	int fd = open(t->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		import_die("open", t->dir);
	/* Where the file system has no flock, nobody is kept out. The descriptor stays open. */
	if (flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		strerr_dief2x(111, "another import works in ", t->dir);
}

static void
refuse_itself(char const *source, char const *dir)
{
	struct stat a, b;
	if (!stat(source, &a) && !stat(dir, &b) && a.st_ino == b.st_ino && a.st_dev == b.st_dev)
		strerr_dief1x(100, "source and destination are the same Maildir");
}

int
cmd_import(struct tool *t)
{
	struct import im = {t, t->arg[0], t->arg[2], !!t->option['l'], VERDICT_OK};
	struct stat st;
	int is_dir = !stat(im.source, &st) && S_ISDIR(st.st_mode), fd = -1;
	if (is_dir)
		refuse_dbox(im.source, t->dir);
	struct format const *f = find_format(t->option['f'], im.source, is_dir);
	if (!f->mbox && !is_dir)
		strerr_dief2x(100, im.source, " is no directory");
	if (im.folder && tree_valid(&t->tree, im.folder) < 0)
		strerr_dief2x(100, "no folder may have this name: ", im.folder);
	/* What only root may read is opened before it becomes the owner. */
	if (f->mbox && !is_dir)
		fd = open_source(im.source);
	refuse_itself(im.source, t->dir);
	tool_become_owner(t->dir);
	if (tree_create_inbox(&t->tree) < 0)
		import_die("make", t->dir);
	keep_others_out(t);
	if (!f->mbox)
		import_maildir(&im, (enum source_kind)f->kind);
	else if (is_dir)
		import_mboxes(&im, (enum mbox_format)f->kind);
	else
		import_mbox(&im, fd, im.folder ? im.folder : "INBOX", (enum mbox_format)f->kind);
	if (im.verdict == VERDICT_INTERRUPTED)
		say_warn(0, "interrupted; the same command goes on from here");
	return im.verdict;
}

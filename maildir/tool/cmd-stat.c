/* maildir stat: what the folders hold. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <skalibs/strerr.h>

#include "lib/sa.h"
#include "maildir/folder.h"
#include "maildir/quota.h"
#include "maildir/tool/say.h"

static struct {
	char const *file, *key;
} const index_files[] = {{"postern-index", "index"}, {"postern-index.log", "index_log"},
    {"postern-text", "index_text"}, {"postern-keys", "index_keys"}};
#define INDEX_FILES (sizeof index_files / sizeof *index_files)

struct facts {
	struct folder_status status;
	uint64_t index[INDEX_FILES]; /* octets */
	int indexed;
	struct keywords keywords;
};

/* 0 or -1. */
static int
look(struct tool *t, char const *name, struct facts *x)
{
	stralloc path = STRALLOC_ZERO;
	struct stat st;
	*x = (struct facts){.keywords = KEYWORDS_ZERO};
	int r =
	    folder_status(&x->status, &t->tree, name, FOLDER_STATUS_SIZE | FOLDER_STATUS_ID) < 0 ||
		    tree_dir(&t->tree, name, &path) < 0
		? -1
		: 0;
	int fd = r < 0 ? -1 : open(path.s, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || keywords_read(&x->keywords, fd, 0, 0) < 0)
		r = -1;
	for (unsigned int i = 0; !r && i < INDEX_FILES; i++)
		if (!fstatat(fd, index_files[i].file, &st, AT_SYMLINK_NOFOLLOW)) {
			x->index[i] = (uint64_t)st.st_size;
			x->indexed |= !i;
		}
	int e = errno;
	if (fd >= 0)
		close(fd);
	stralloc_free(&path);
	errno = e;
	return r;
}

static void
put_json(char const *name, struct facts const *x)
{
	struct folder_status const *s = &x->status;
	json_begin();
	json_str("folder", name);
	json_num("messages", s->messages);
	json_num("unseen", s->unseen);
	json_num("recent", s->recent);
	json_num("deleted", s->deleted);
	json_num("size", s->size);
	json_num("uidvalidity", s->uidvalidity);
	json_num("uidnext", s->uidnext);
	json_str("mailboxid", s->mailboxid);
	json_list_begin("keywords");
	for (unsigned int i = 0; i < x->keywords.count; i++)
		if (x->keywords.name[i])
			json_item(x->keywords.name[i]);
	json_list_end();
	for (unsigned int i = 0; i < INDEX_FILES; i++)
		json_num(index_files[i].key, x->index[i]);
	json_end();
}

static void
put_text(struct tool *t, char const *name, struct facts const *x)
{
	struct folder_status const *s = &x->status;
	stralloc words = STRALLOC_ZERO;
	for (unsigned int i = 0; i < x->keywords.count; i++)
		if (x->keywords.name[i])
			sa_catf(&words, " %s", x->keywords.name[i]);
	say(t, "%s: %u messages, %u unseen, %llu octets, uidvalidity %u, uidnext %u", name,
	    s->messages, s->unseen, (unsigned long long)s->size, s->uidvalidity, s->uidnext);
	if (words.len)
		say(t, "    keywords:%s", sa_str(&words));
	if (x->indexed)
		say(t, "    index: %llu octets, log %llu, texts %llu",
		    (unsigned long long)x->index[0], (unsigned long long)x->index[1],
		    (unsigned long long)x->index[2]);
	else
		say(t, "    index: none");
	stralloc_free(&words);
}

static int
stat_folder(struct tool *t, char const *name)
{
	struct facts x;
	int r = look(t, name, &x);
	if (r < 0)
		say_warn(errno, "unable to open folder %s", name);
	else if (t->json)
		put_json(name, &x);
	else
		put_text(t, name, &x);
	keywords_free(&x.keywords);
	return r < 0 ? VERDICT_PROBLEMS : VERDICT_OK;
}

static int
stat_quota(struct tool *t)
{
	struct quota q = t->quota;
	struct stat st;
	stralloc path = STRALLOC_ZERO;
	sa_catf(&path, "%s/maildirsize", t->dir);
	int there = !stat(sa_str(&path), &st);
	stralloc_free(&path);
	if (!there)
		return VERDICT_OK;
	if (quota_read(&q) < 0) {
		say_warn(errno, "unable to read maildirsize");
		return VERDICT_PROBLEMS;
	}
	if (t->json) {
		json_begin();
		json_num("quota_bytes", q.bytes);
		json_num("quota_bytes_max", q.bytes_max);
		json_num("quota_messages", q.count);
		json_num("quota_messages_max", q.count_max);
		json_end();
	} else
		say(t, "quota: %llu of %llu octets, %llu of %llu messages (0: no limit)",
		    (unsigned long long)q.bytes, (unsigned long long)q.bytes_max,
		    (unsigned long long)q.count, (unsigned long long)q.count_max);
	return VERDICT_OK;
}

int
cmd_stat(struct tool *t)
{
	struct tree_list list;
	int verdict = VERDICT_OK;
	if (t->arg[1]) {
		if (tree_valid(&t->tree, t->arg[1]) < 0)
			strerr_dief2x(100, "no folder may have this name: ", t->arg[1]);
		return stat_folder(t, t->arg[1]);
	}
	if (tree_list(&t->tree, &list) < 0)
		strerr_diefu2sys(111, "read ", t->dir);
	for (size_t i = 0; i < list.count && !tool_stop; i++)
		if (!(list.folder[i].flags & TREE_NOSELECT))
			verdict = verdict_worse(verdict, stat_folder(t, list.folder[i].name));
	tree_list_free(&list);
	verdict = verdict_worse(verdict, stat_quota(t));
	return tool_stop ? VERDICT_INTERRUPTED : verdict;
}

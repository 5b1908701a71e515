/* maildir expire: removes messages by age, as a client's EXPUNGE does: sessions are told, UIDs
 * never come back, the quota counts it. */
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <skalibs/strerr.h>

#include "lib/sa.h"
#include "maildir/folder.h"
#include "maildir/metadata.h"
#include "maildir/quota.h"
#include "maildir/tool/limits.h"
#include "maildir/tool/say.h"

struct expire {
	struct tool *t;
	struct folder *f;
	int64_t before; /* UTC seconds */
	uint64_t found, octets;
	struct progress bar;
};

/* The age counts from INTERNALDATE, or (-s) from when it came into this folder, where that is
 * known. */
static int
is_old(struct expire *x, uint32_t i)
{
	struct timespec date;
	int64_t saved;
	if (x->t->option['s'] && folder_savedate(x->f, i, &saved) > 0)
		return saved < x->before;
	return !folder_internaldate(x->f, i, &date) && date.tv_sec < x->before;
}

/* What was removed lasts, and is recorded as told. */
static int
commit(struct expire *x)
{
	static struct folder_events const quiet = {0, 0, 0};
	return folder_commit(x->f) < 0 || folder_report(x->f, FOLDER_EXPUNGED, &quiet, 0) < 0 ? -1
											      : 0;
}

/* From the last message to the first, so that reports move no index that is still to come. */
static int
expire_messages(struct expire *x)
{
	unsigned int batch = 0;
	uint32_t count = folder_count(x->f);
	for (uint32_t i = count; i-- && !tool_stop;) {
		uint64_t size = 0;
		progress_at(&x->bar, count - i);
		if (folder_gone(x->f, i) || !is_old(x, i))
			continue;
		(void)folder_disk_size(x->f, i, &size);
		if (!x->t->option['n'] && folder_expunge(x->f, i) < 0)
			return -1;
		x->found++;
		x->octets += size;
		if (!x->t->option['n'] && ++batch == TOOL_EXPIRE_BATCH) {
			batch = 0;
			if (commit(x) < 0)
				return -1;
		}
	}
	return batch ? commit(x) : 0;
}

static int
expire_folder(struct tool *t, char const *name, int64_t before)
{
	struct quota q = t->quota;
	struct expire x = {.t = t, .before = before};
	int dry = !!t->option['n'];
	if (folder_open(&x.f, &t->tree, name, dry ? FOLDER_READONLY : 0,
		quota_of(&q, &t->tree, name)) < 0) {
		if (errno == ENOENT)
			return VERDICT_OK; /* deleted meanwhile */
		say_warn(errno, "unable to open folder %s", name);
		return VERDICT_INTERRUPTED;
	}
	progress_begin(&x.bar, t, name, folder_count(x.f));
	int r = expire_messages(&x), e = errno;
	progress_end(&x.bar);
	folder_close(x.f);
	if (r < 0)
		say_warn(e, "unable to remove messages of %s", name);
	if (t->json) {
		json_begin();
		json_str("folder", name);
		json_num(dry ? "old" : "removed", x.found);
		json_num("octets", x.octets);
		json_end();
	} else if (x.found)
		say(t, "%s: %llu messages%s, %llu octets", name, (unsigned long long)x.found,
		    dry ? " are old" : " removed", (unsigned long long)x.octets);
	return r < 0 ? VERDICT_INTERRUPTED : VERDICT_OK;
}

/* -u: is it one for what is to be thrown away? */
static int
is_waste(struct tool *t, char const *name)
{
	stralloc uses = STRALLOC_ZERO;
	int yes = special_use_get(&t->tree, name, &uses) > 0 &&
		  (strstr(sa_str(&uses), "\\Trash") || strstr(uses.s, "\\Junk"));
	stralloc_free(&uses);
	return yes;
}

static int
is_meant(struct tool *t, struct tree_folder const *f)
{
	return !(f->flags & TREE_NOSELECT) &&
	       (!t->option['f'] || !fnmatch(t->option['f'], f->name, 0)) &&
	       (!t->option['u'] || is_waste(t, f->name));
}

int
cmd_expire(struct tool *t)
{
	struct tree_list list;
	int verdict = VERDICT_OK;
	char *end = 0;
	errno = 0;
	long long days = t->option['d'] && *t->option['d'] ? strtoll(t->option['d'], &end, 10) : -1;
	if (days < 0 || *end || errno || days > 1000000)
		strerr_dief1x(100, "-d needs a number of days");
	if (tree_list(&t->tree, &list) < 0)
		strerr_diefu2sys(111, "read ", t->dir);
	for (size_t i = 0; i < list.count && !tool_stop; i++)
		if (is_meant(t, list.folder + i))
			verdict = verdict_worse(
			    verdict, expire_folder(t, list.folder[i].name, time(0) - days * 86400));
	tree_list_free(&list);
	return tool_stop ? VERDICT_INTERRUPTED : verdict;
}

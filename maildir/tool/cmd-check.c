/* maildir check: looks at every folder, repairs what can be repaired, says what it did. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <skalibs/strerr.h>

#include "lib/sa.h"
#include "maildir/tool/check.h"
#include "maildir/tool/folders.h"
#include "maildir/tool/say.h"

static void
report(struct check *c, char const *what, uint64_t n, enum outcome o, char const *detail)
{
	static char const *const words[] = {"repaired", "left", "noted"};
	static int const verdicts[] = {VERDICT_REPAIRED, VERDICT_PROBLEMS, VERDICT_OK};
	c->verdict = verdict_worse(c->verdict, verdicts[o]);
	if (c->t->json) {
		json_begin();
		json_str("folder", c->name);
		json_str("what", what);
		json_num("count", n);
		json_str("outcome", words[o]);
		if (detail)
			json_str("detail", detail);
		json_end();
	} else
		say(c->t, "%s: %s: %llu %s%s%s%s", c->name, what, (unsigned long long)n, words[o],
		    detail ? " (" : "", detail ? detail : "", detail ? ")" : "");
}

void
check_found(struct check *c, char const *what, uint64_t n, enum outcome o, char const *detail)
{
	if (n)
		report(c, what, n, c->dry && o == FOUND_REPAIRED ? FOUND_LEFT : o, detail);
}

void
check_repaired(struct check *c, char const *what, uint64_t n, int r, char const *detail)
{
	if (r < 0 && !c->dry)
		check_found(c, what, n, FOUND_LEFT, strerror(errno));
	else
		check_found(c, what, n, FOUND_REPAIRED, detail);
}

static char const *const folder_files[] = {
    "dovecot-uidlist", "dovecot-keywords", "postern-keywords", "dovecot-acl", 0};
static char const *const courier_files[] = {"courierimapuiddb", "courierimapuiddb.imported",
    "courierimapkeywords", "courierimapsubscribed", "courierpop3dsizelist", 0};

static void
note_courier(struct check *c)
{
	for (unsigned int i = 0; courier_files[i]; i++)
		check_found(c, "courier-file",
		    !faccessat(c->fd_dir, courier_files[i], F_OK, AT_SYMLINK_NOFOLLOW), FOUND_NOTED,
		    courier_files[i]);
}

static void
check_folder(void *arg, char const *entry, char const *name)
{
	struct check *c = arg;
	stralloc dir = STRALLOC_ZERO;
	if (tool_stop)
		return;
	sa_catf(&dir, *entry ? "%s/%s" : "%s", c->t->dir, entry);
	c->dir = sa_str(&dir);
	c->name = name ? name : entry;
	c->nameless = !name;
	check_found(c, "folder-name", !name, FOUND_LEFT, "neither modified UTF-7 nor UTF-8");
	check_layout(c);
	c->fd_dir = open(c->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c->fd_dir < 0)
		check_found(c, "unreadable", 1, FOUND_LEFT, strerror(errno));
	else {
		check_readable(c, folder_files);
		check_uids(c);
		check_messages(c);
		check_index(c);
		note_courier(c);
		if (!*entry)
			check_root(c);
		close(c->fd_dir);
	}
	stralloc_free(&dir);
}

int
cmd_check(struct tool *t)
{
	static char const *const verdicts[] = {"clean", "problems", "repaired"};
	struct check c = {.t = t, .dry = !!t->option['n']};
	if (folders_each(t->dir, check_folder, &c) < 0)
		strerr_diefu2sys(111, "read ", t->dir);
	if (tool_stop)
		return VERDICT_INTERRUPTED;
	if (t->json) {
		json_begin();
		json_str("verdict", verdicts[c.verdict]);
		json_end();
	} else
		say(t, "%s: %s", t->dir, verdicts[c.verdict]);
	return c.verdict;
}

/* What stands at the root only: subscriptions, metadata, maildirsize. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/sa.h"
#include "maildir/layout.h"
#include "maildir/metadata.h"
#include "maildir/name.h"
#include "maildir/quota.h"
#include "maildir/side-file.h"
#include "maildir/subscriptions.h"
#include "maildir/tool/check.h"
#include "maildir/tool/folders.h"

#define COUNT_TRIES 5

static void
check_subscriptions(struct check *c)
{
	struct subscriptions s;
	if (subscriptions_read(&c->t->tree, &s) < 0) {
		check_found(c, "unreadable", 1, FOUND_LEFT, "subscriptions");
		return;
	}
	for (size_t i = 0; i < s.count; i++) {
		stralloc path = STRALLOC_ZERO;
		/* RFC 3501 6.3.6: a server keeps them. */
		if (tree_dir(&c->t->tree, s.name[i], &path) == 0)
			check_found(c, "subscribed-to-nothing", 1, FOUND_NOTED, s.name[i]);
		stralloc_free(&path);
	}
	subscriptions_free(&s);
}

static int
pass_over(void *arg, char const *name, char const *key, char const *value, size_t len)
{
	(void)arg, (void)name, (void)key, (void)value, (void)len;
	return 0;
}

static void
check_metadata(struct check *c)
{
	static char const header[] = "postern-metadata 1\n";
	stralloc text = STRALLOC_ZERO;
	int r = side_file_read(c->t->dir, "postern-metadata", MAILDIR_METADATA_FILE, &text);
	if (r < 0 || metadata_each(&c->t->tree, 0, pass_over, 0) < 0)
		check_found(c, "unreadable", 1, FOUND_LEFT, "postern-metadata");
	else if (r > 0 &&
		 (text.len < sizeof header - 1 || memcmp(text.s, header, sizeof header - 1)))
		check_found(c, "metadata-header", 1, FOUND_LEFT, "not of version 1");
	stralloc_free(&text);
}

/* ---- maildirsize ------------------------------------------------------------------------------
 */

struct usage {
	struct quota const *quota;
	uint64_t bytes, count;
};

static void
add_dir(struct usage *u, char const *entry, char const *sub)
{
	struct name n;
	struct stat st;
	stralloc path = STRALLOC_ZERO;
	sa_catf(&path, "%s/%s/%s", u->quota->root, entry, sub);
	DIR *d = opendir(sa_str(&path));
	stralloc_free(&path);
	for (struct dirent *e; d && (e = readdir(d));) {
		if (!name_parse(&n, e->d_name, strlen(e->d_name)))
			continue;
		if (n.disk == NAME_UNKNOWN) {
			if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
			    !S_ISREG(st.st_mode))
				continue;
			n.disk = (uint64_t)st.st_size;
		}
		u->bytes += n.disk;
		u->count++;
	}
	if (d)
		closedir(d);
}

static void
add_folder(void *arg, char const *entry, char const *name)
{
	struct usage *u = arg;
	(void)name;
	if (!quota_counts(u->quota, *entry ? entry : "."))
		return;
	add_dir(u, entry, "new");
	add_dir(u, entry, "cur");
}

/* What maildirsize says, without having it computed anew. 1; 0: it is not there, or is to be
 * computed anyway by whoever needs it. */
static int
recorded(struct check *c, int64_t *bytes, int64_t *count)
{
	stralloc text = STRALLOC_ZERO;
	int r = side_file_read(c->t->dir, "maildirsize", MAILDIR_QUOTA_FILE - 1, &text);
	char const *s = r > 0 ? strchr(sa_str(&text), '\n') : 0;
	*bytes = *count = 0;
	int lines = 0;
	while (s && s[1]) {
		long long b, n;
		if (sscanf(s + 1, "%lld %lld", &b, &n) != 2)
			break;
		*bytes += b;
		*count += n;
		lines++;
		s = strchr(s + 1, '\n');
	}
	stralloc_free(&text);
	return lines > 0;
}

static void
check_quota(struct check *c)
{
	int64_t bytes, count, bytes_then, count_then;
	for (int i = 0; i < COUNT_TRIES && recorded(c, &bytes, &count); i++) {
		struct usage u = {&c->t->quota, 0, 0};
		struct quota q = c->t->quota;
		if (folders_each(c->t->dir, add_folder, &u) < 0)
			return;
		/* Somebody counted meanwhile: once more. */
		if (!recorded(c, &bytes_then, &count_then) || bytes != bytes_then ||
		    count != count_then)
			continue;
		if (bytes == (int64_t)u.bytes && count == (int64_t)u.count)
			return;
		/* quota_read brings the limit that stands there only. */
		int r = c->dry ? 0 : quota_read(&q) < 0 || quota_compute(&q) < 0 ? -1 : 0;
		check_repaired(c, "maildirsize", 1, r, 0);
		return;
	}
}

void
check_root(struct check *c)
{
	static char const *const files[] = {
	    "subscriptions", "postern-metadata", "maildirsize", "dovecot-uidvalidity", 0};
	check_readable(c, files);
	check_subscriptions(c);
	check_metadata(c);
	check_quota(c);
}

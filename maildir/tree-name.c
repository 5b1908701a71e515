/* Folder names: as clients mean them, and as they stand on disk. */
#include <errno.h>
#include <string.h>

#include "lib/ascii.h"
#include "lib/mutf7.h"
#include "lib/sa.h"
#include "lib/utf8.h"
#include "maildir/limits.h"
#include "maildir/tree.h"

#define DISK_NAME_MAX 250 /* with the first dot; NAME_MAX, less what a rename may add */

static int
bad_name(void)
{
	errno = EINVAL;
	return -1;
}

/* Cuts the prefix off; where a name lies outside of it, null. */
static char const *
without_prefix(struct maildir_tree const *t, char const *name)
{
	size_t n = strlen(t->prefix), sep = n ? n - 1 : 0;
	if (!n || (t->others && !strncmp(name, t->others, strlen(t->others))))
		return name;
	/* INBOX in any case, as first part too (RFC 3501 5.1). */
	int same =
	    ascii_ieq(t->prefix, sep, "INBOX")
		? strlen(name) > n && ascii_ieq(name, sep, "INBOX") && name[sep] == t->separator
		: !strncmp(name, t->prefix, n);
	return same ? name + n : 0;
}

/* May this part of a name stand on disk? */
static int
part_valid(struct maildir_tree const *t, char const *s, size_t n)
{
	if (!n || !utf8_valid(s, n) || (n == 2 && s[0] == '.' && s[1] == '.'))
		return 0;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] < ' ' || s[i] == 127 || s[i] == '/' ||
		    (s[i] == '.' && t->separator != '.'))
			return 0;
	return 1;
}

/* Appends the parts of rest, joined by dots; raw: in UTF-8 as Courier 5 has them. */
static int
put_parts(struct maildir_tree const *t, char const *rest, size_t len, int raw, stralloc *disk)
{
	for (size_t at = 0, first = 1;; first = 0) {
		char const *end = memchr(rest + at, t->separator, len - at);
		size_t n = (end ? (size_t)(end - rest) : len) - at;
		if (!part_valid(t, rest + at, n))
			return bad_name();
		if (!first)
			sa_append(disk, '.');
		if (first && !*t->prefix && ascii_ieq(rest, n, "INBOX"))
			sa_cats(disk, "INBOX");
		else if (raw)
			sa_catb(disk, rest + at, n);
		else if (mutf7_encode(disk, rest + at, n) < 0)
			return bad_name();
		if (!end)
			return 0;
		at += n + 1;
	}
}

int
tree_name_forms(struct maildir_tree const *t, char const *name, int raw, stralloc *disk)
{
	size_t len = strlen(name), before = disk->len;
	if (len && name[len - 1] == t->separator)
		len--;
	if (ascii_ieq(name, len, "INBOX")) {
		sa_cats(disk, "INBOX");
		return 0;
	}
	char const *rest = without_prefix(t, name);
	if (!rest || rest >= name + len)
		return bad_name();
	if (put_parts(t, rest, len - (size_t)(rest - name), raw, disk) < 0)
		return -1;
	if (len > MAILDIR_FOLDER_NAME || disk->len - before >= DISK_NAME_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return 0;
}

int
tree_disk_name(struct maildir_tree const *t, char const *name, stralloc *disk)
{
	return tree_name_forms(t, name, 0, disk);
}

int
tree_valid(struct maildir_tree const *t, char const *name)
{
	stralloc disk = STRALLOC_ZERO;
	int r = tree_disk_name(t, name, &disk), e = errno;
	stralloc_free(&disk);
	errno = e;
	return r;
}

/* Decodes one part; what is not modified UTF-7 is taken as it is, if it is UTF-8. */
static int
get_part(struct maildir_tree const *t, char const *s, size_t n, stralloc *name)
{
	size_t at = name->len;
	if (mutf7_decode(name, s, n) < 0)
		sa_catb(name, s, n);
	return part_valid(t, name->s + at, name->len - at) &&
	       !memchr(name->s + at, t->separator, name->len - at);
}

/* A name of the other users' namespace, in a side file. */
static int
is_others(struct maildir_tree const *t, char const *disk, size_t len)
{
	size_t n = t->others ? strlen(t->others) - 1 : 0;
	return n && len > n && !memcmp(disk, t->others, n) && disk[n] == '.';
}

int
tree_client_name(struct maildir_tree const *t, char const *disk, size_t len, stralloc *name)
{
	if (len == 5 && !memcmp(disk, "INBOX", 5)) {
		sa_cats(name, "INBOX");
		return 0;
	}
	if (!len)
		return bad_name(); /* disk may be null */
	size_t before = name->len;
	if (!is_others(t, disk, len))
		sa_cats(name, t->prefix);
	for (size_t at = 0;;) {
		char const *end = memchr(disk + at, '.', len - at);
		size_t n = (end ? (size_t)(end - disk) : len) - at;
		if (!n || !get_part(t, disk + at, n, name)) {
			name->len = before;
			return bad_name();
		}
		if (!end)
			return 0;
		sa_append(name, t->separator);
		at += n + 1;
	}
}

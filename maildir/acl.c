#include "maildir/acl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/ascii.h"
#include "lib/sa.h"
#include "maildir/layout.h"
#include "maildir/limits.h"
#include "maildir/name.h"
#include "maildir/side-file.h"

#define FILE_MAX (MAILDIR_ACL * (MAILDIR_ACL_ID + 32))

/* ---- letters ----------------------------------------------------------------------------------
 */

/* In the order of RFC 4314 2.1, by which they are told. */
static struct {
	char letter;
	unsigned int rights;
} const letters[] = {{'l', RIGHT_LOOKUP}, {'r', RIGHT_READ}, {'s', RIGHT_SEEN}, {'w', RIGHT_WRITE},
    {'i', RIGHT_INSERT}, {'p', RIGHT_POST}, {'k', RIGHT_CREATE}, {'x', RIGHT_DELETE},
    {'t', RIGHT_DELETED}, {'e', RIGHT_EXPUNGE}, {'c', RIGHT_CREATE | RIGHT_DELETE},
    {'d', RIGHT_DELETED | RIGHT_EXPUNGE}, {'a', RIGHT_ADMIN}, {0, 0}};

static int
is_virtual(char letter)
{
	return letter == 'c' || letter == 'd';
}

int
acl_parse(char const *s, unsigned int *rights)
{
	for (*rights = 0; *s; s++) {
		unsigned int k = 0;
		while (letters[k].letter && letters[k].letter != *s)
			k++;
		if (!letters[k].letter) {
			errno = EINVAL;
			return -1;
		}
		*rights |= letters[k].rights;
	}
	return 0;
}

void
acl_put(stralloc *out, unsigned int rights, int virtual_too)
{
	for (unsigned int k = 0; letters[k].letter; k++)
		if (letters[k].rights & rights && (virtual_too || !is_virtual(letters[k].letter)))
			sa_append(out, letters[k].letter);
}

unsigned int
acl_flags(unsigned int denied, unsigned int flags)
{
	unsigned int const others = ~(unsigned int)(FLAG_SEEN | FLAG_DELETED);
	return flags & ((denied & RIGHT_SEEN ? 0 : (unsigned int)FLAG_SEEN) |
			   (denied & RIGHT_DELETED ? 0 : (unsigned int)FLAG_DELETED) |
			   (denied & RIGHT_WRITE ? 0 : others));
}

/* ---- the file ---------------------------------------------------------------------------------
 */

/* Dovecot puts an identifier that would not stand as one word between quotes. */
static char const *
take_id(char const *s, char const *end, stralloc *id)
{
	if (s == end || *s != '"') {
		for (; s < end && *s != ' ' && *s != '\t'; s++)
			sa_append(id, *s);
		return s;
	}
	for (s++; s < end && *s != '"'; s++) {
		s += *s == '\\' && s + 1 < end;
		sa_append(id, *s);
	}
	return s + (s < end);
}

static void
put_id(stralloc *out, struct acl_entry const *e)
{
	int quoted = e->id[strcspn(e->id, " \t\"\\")] != 0;
	if (quoted)
		sa_append(out, '"');
	if (e->negative)
		sa_append(out, '-');
	for (char const *s = e->id; *s; s++) {
		if (quoted && (*s == '"' || *s == '\\'))
			sa_append(out, '\\');
		sa_append(out, *s);
	}
	if (quoted)
		sa_append(out, '"');
}

static void
add(struct acl *a, char const *id, int negative, unsigned int rights)
{
	a->entry = xrealloc(a->entry, a->count + 1, sizeof *a->entry);
	a->entry[a->count++] = (struct acl_entry){xstrdup(id), negative, rights};
}

/* One line; letters that nobody knows, and named rights behind a colon, are passed over. */
static void
take_line(struct acl *a, char const *s, char const *end)
{
	stralloc id = STRALLOC_ZERO;
	unsigned int rights = 0, one;
	s = take_id(s, end, &id);
	sa_str(&id);
	while (s < end && (*s == ' ' || *s == '\t'))
		s++;
	for (; s < end && *s != ' ' && *s != ':'; s++) {
		char const letter[] = {*s, 0};
		if (!acl_parse(letter, &one))
			rights |= one;
	}
	int negative = id.s[0] == '-';
	if (id.s[negative] && id.s[0] != '#')
		add(a, id.s + negative, negative, rights);
	stralloc_free(&id);
}

static void
take_text(struct acl *a, stralloc const *text)
{
	char const *s = text->s, *end = s + text->len;
	while (s < end && a->count < MAILDIR_ACL) {
		char const *lf = memchr(s, '\n', (size_t)(end - s));
		take_line(a, s, lf ? lf : end);
		s = lf ? lf + 1 : end;
	}
}

void
acl_free(struct acl *a)
{
	for (size_t i = 0; i < a->count; i++)
		free(a->entry[i].id);
	free(a->entry);
	*a = (struct acl)ACL_ZERO;
}

int
acl_read(struct maildir_tree const *t, char const *name, struct acl *a)
{
	stralloc dir = STRALLOC_ZERO, text = STRALLOC_ZERO;
	*a = (struct acl)ACL_ZERO;
	int r = tree_dir(t, name, &dir);
	if (!r)
		errno = ENOENT;
	r = r > 0 ? side_file_read(dir.s, ACL_FILE, FILE_MAX, &text) : -1;
	int e = errno;
	if (r > 0)
		take_text(a, &text);
	stralloc_free(&dir);
	stralloc_free(&text);
	errno = e;
	return r < 0 ? -1 : 0;
}

/* 3 the user's own, 2 "authenticated", 1 "anyone", 0 another's. */
static int
applies(struct acl_entry const *e, char const *user)
{
	return !strncmp(e->id, "user=", 5) && ascii_ieq(e->id + 5, strlen(e->id + 5), user) ? 3
	       : !strcmp(e->id, "authenticated")					    ? 2
	       : !strcmp(e->id, "anyone")						    ? 1
											    : 0;
}

unsigned int
acl_rights(struct acl const *a, char const *user)
{
	unsigned int rights = 0, without = 0;
	int best = 0;
	for (size_t i = 0; i < a->count; i++) {
		int fits = applies(&a->entry[i], user);
		if (fits && a->entry[i].negative)
			without |= a->entry[i].rights;
		else if (fits > best) {
			best = fits;
			rights = a->entry[i].rights;
		}
	}
	return rights & ~without & RIGHTS_OTHERS;
}

/* ---- changing ---------------------------------------------------------------------------------
 */

static int
shared(struct acl const *a)
{
	for (size_t i = 0; i < a->count; i++)
		if (!a->entry[i].negative && a->entry[i].rights && strcmp(a->entry[i].id, "owner"))
			return 1;
	return 0;
}

struct setting {
	char const *id;
	int negative;
	unsigned int rights;
	int shared; /* as it is then */
};

static int
set_entry(void *arg, stralloc const *old, int exists, stralloc *fresh)
{
	struct setting *s = arg;
	struct acl a = ACL_ZERO;
	size_t n = 0, i; /* n: lines */
	(void)exists;
	if (old->len)
		take_text(&a, old);
	for (i = 0; i < a.count; i++)
		if (a.entry[i].negative == s->negative && !strcmp(a.entry[i].id, s->id))
			break;
	if (i == a.count)
		add(&a, s->id, s->negative, s->rights);
	a.entry[i].rights = s->rights;
	for (size_t k = 0; k < a.count; k++)
		if (a.entry[k].rights) {
			put_id(fresh, &a.entry[k]);
			sa_append(fresh, ' ');
			acl_put(fresh, a.entry[k].rights, 0);
			sa_append(fresh, '\n');
			n++;
		}
	s->shared = shared(&a);
	acl_free(&a);
	if (n <= MAILDIR_ACL)
		return 1;
	errno = EMLINK;
	return -1;
}

int
acl_set(struct maildir_tree const *t, char const *name, char const *id, int negative,
    unsigned int rights)
{
	stralloc dir = STRALLOC_ZERO;
	struct setting s = {id, negative, rights, 0};
	int r = -1;
	if (!*id || strlen(id) > MAILDIR_ACL_ID || strpbrk(id, "\t\n\r"))
		errno = EINVAL;
	else if (!(r = tree_dir(t, name, &dir)))
		errno = ENOENT;
	r = r > 0 ? side_file_change(dir.s, ACL_FILE, FILE_MAX, set_entry, &s) : -1;
	if (r >= 0)
		r = layout_share(dir.s, s.shared);
	int e = errno;
	stralloc_free(&dir);
	errno = e;
	return r;
}

/* ---- who is named -----------------------------------------------------------------------------
 */

static int
collect(struct maildir_tree const *t, char const *name, stralloc *list)
{
	struct acl a;
	stralloc disk = STRALLOC_ZERO;
	int r = acl_read(t, name, &a) < 0 || tree_disk_name(t, name, &disk) < 0 ? -1 : 0, e = errno;
	for (size_t i = 0; !r && i < a.count; i++)
		if (!a.entry[i].negative && a.entry[i].rights) {
			sa_catf(list, "%s\t", a.entry[i].id);
			sa_catb(list, disk.s, disk.len);
			sa_append(list, '\n');
		}
	acl_free(&a);
	stralloc_free(&disk);
	errno = e;
	return r < 0 && e != ENOENT ? -1 : 0; /* removed meanwhile */
}

static int
put_list(void *arg, stralloc const *old, int exists, stralloc *fresh)
{
	stralloc const *list = arg;
	sa_catb(fresh, list->s, list->len);
	return !exists || old->len != fresh->len || memcmp(old->s, fresh->s, fresh->len) != 0;
}

int
acl_named(struct maildir_tree const *t)
{
	stralloc path = STRALLOC_ZERO;
	sa_catf(&path, "%s/" SHARED_FILE, t->root);
	int r = !access(sa_str(&path), F_OK);
	stralloc_free(&path);
	return r;
}

/* Those in the owner's group may pass through the root, and see nothing in it. 0 or -1. */
static int
open_root(struct maildir_tree const *t)
{
	struct stat st;
	if (stat(t->root, &st) < 0)
		return -1;
	if (st.st_mode & S_IXGRP)
		return 0;
	int const fd = open(t->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	int const r = fchmod(fd, (st.st_mode & 07777) | S_IXGRP), e = errno;
	close(fd);
	errno = e;
	return r;
}

int
acl_publish(struct maildir_tree const *t)
{
	struct tree_list folders;
	stralloc list = STRALLOC_ZERO;
	int r = tree_list(t, &folders);
	for (size_t i = 0; !r && i < folders.count; i++)
		if (!(folders.folder[i].flags & TREE_NOSELECT))
			r = collect(t, folders.folder[i].name, &list);
	if (!r && list.len)
		r = open_root(t);
	if (!r)
		r = side_file_change(t->root, SHARED_FILE, MAILDIR_SHARED_FILE, put_list, &list);
	int e = errno;
	tree_list_free(&folders);
	stralloc_free(&list);
	errno = e;
	return r < 0 ? -1 : 0;
}

#include "maildir/metadata.h"

#include <errno.h>
#include <string.h>

#include "lib/ascii.h"
#include "lib/sa.h"
#include "maildir/limits.h"
#include "maildir/side-file.h"
#include "maildir/tab-escape.h"

#define FILE_NAME "postern-metadata"
#define HEADER "postern-metadata 1\n"
#define KEY_MAX 1000

/* ---- the file's lines -------------------------------------------------------------------------
 */

/* FOLDER TAB KEY TAB VALUE, tab-escaped; FOLDER as on disk, empty for the server. */
struct entry {
	stralloc disk, key, value;
};
#define ENTRY_ZERO                                                                                 \
	{                                                                                          \
		STRALLOC_ZERO, STRALLOC_ZERO, STRALLOC_ZERO                                        \
	}

static void
entry_free(struct entry *e)
{
	stralloc_free(&e->disk);
	stralloc_free(&e->key);
	stralloc_free(&e->value);
}

static int
get_entry(struct entry *e, char const *s, char const *end)
{
	stralloc *const to[] = {&e->disk, &e->key, &e->value};
	char const *field;
	size_t len;
	for (unsigned int i = 0; i < 3; i++) {
		sa_reset(to[i]);
		if (!tab_field(&s, end, &field, &len))
			return 0;
		tab_unescape(to[i], field, len);
	}
	sa_str(&e->disk);
	sa_str(&e->key);
	sa_str(&e->value);
	return 1;
}

static void
put_entry(stralloc *out, stralloc const *disk, char const *key, char const *value, size_t len)
{
	tab_escape(out, disk->s, disk->len);
	sa_append(out, '\t');
	tab_escape(out, key, strlen(key));
	sa_append(out, '\t');
	tab_escape(out, value, len);
	sa_append(out, '\n');
}

/* Calls fn for every entry of the text; stops when it returns non-zero and returns that. */
typedef int entry_fn(void *arg, struct entry const *e);
static int
each_entry(stralloc const *text, entry_fn *fn, void *arg)
{
	struct entry e = ENTRY_ZERO;
	int r = 0;
	if (!text->len)
		return 0;
	char const *s = text->s, *end = text->s + text->len;
	for (char const *lf; !r && s < end && (lf = memchr(s, '\n', (size_t)(end - s))); s = lf + 1)
		if (get_entry(&e, s, lf))
			r = fn(arg, &e);
	entry_free(&e);
	return r;
}

/* The folder's name in the file: "" for the server, else as on disk. */
static int
file_name(struct maildir_tree const *t, char const *name, stralloc *disk)
{
	int r = *name ? tree_disk_name(t, name, disk) : 0;
	sa_str(disk);
	return r;
}

/* ---- reading ----------------------------------------------------------------------------------
 */

struct visiting {
	struct maildir_tree const *t;
	char const *key;
	metadata_fn *fn;
	void *arg;
};

static int
visit(void *arg, struct entry const *e)
{
	struct visiting *v = arg;
	stralloc name = STRALLOC_ZERO;
	int r = 0;
	if ((!v->key || ascii_ieq(e->key.s, e->key.len, v->key)) &&
	    (!e->disk.len || !tree_client_name(v->t, e->disk.s, e->disk.len, &name)))
		r = v->fn(v->arg, sa_str(&name), e->key.s, e->value.s, e->value.len);
	stralloc_free(&name);
	return r;
}

int
metadata_each(struct maildir_tree const *t, char const *key, metadata_fn *fn, void *arg)
{
	stralloc text = STRALLOC_ZERO;
	struct visiting v = {t, key, fn, arg};
	int r = side_file_read(t->root, FILE_NAME, MAILDIR_METADATA_FILE, &text);
	if (r > 0)
		r = each_entry(&text, visit, &v);
	stralloc_free(&text);
	return r;
}

struct wanted {
	stralloc disk;
	char const *key;
	stralloc *value;
};

static int
want(void *arg, struct entry const *e)
{
	struct wanted *w = arg;
	if (strcmp(e->disk.s, w->disk.s) || !ascii_ieq(e->key.s, e->key.len, w->key))
		return 0;
	sa_catb(w->value, e->value.s, e->value.len);
	return 1;
}

int
metadata_get(struct maildir_tree const *t, char const *name, char const *key, stralloc *value)
{
	struct wanted w = {STRALLOC_ZERO, key, value};
	stralloc text = STRALLOC_ZERO;
	int r = file_name(t, name, &w.disk);
	if (!r)
		r = side_file_read(t->root, FILE_NAME, MAILDIR_METADATA_FILE, &text);
	if (r > 0)
		r = each_entry(&text, want, &w);
	int e = errno;
	stralloc_free(&text);
	stralloc_free(&w.disk);
	errno = e;
	return r;
}

/* ---- writing ----------------------------------------------------------------------------------
 */

struct setting {
	stralloc disk;
	char const *key, *value;
	size_t len;
	stralloc *fresh;
	int found;
};

static int
copy_others(void *arg, struct entry const *e)
{
	struct setting *s = arg;
	if (!strcmp(e->disk.s, s->disk.s) && ascii_ieq(e->key.s, e->key.len, s->key))
		s->found = 1;
	else
		put_entry(s->fresh, &e->disk, e->key.s, e->value.s, e->value.len);
	return 0;
}

static int
set_entry(void *arg, stralloc const *old, int exists, stralloc *fresh)
{
	struct setting *s = arg;
	(void)exists;
	s->fresh = fresh;
	sa_cats(fresh, HEADER);
	each_entry(old, copy_others, s);
	if (s->value)
		put_entry(fresh, &s->disk, s->key, s->value, s->len);
	return s->value || s->found;
}

int
metadata_set(
    struct maildir_tree const *t, char const *name, char const *key, char const *value, size_t len)
{
	struct setting s = {STRALLOC_ZERO, key, value, len, 0, 0};
	int r = -1;
	if (!*key || strlen(key) > KEY_MAX)
		errno = EINVAL;
	else if (value && len > MAILDIR_METADATA_VALUE)
		errno = EFBIG;
	else if (!file_name(t, name, &s.disk))
		r = side_file_change(t->root, FILE_NAME, MAILDIR_METADATA_FILE, set_entry, &s);
	int e = errno;
	stralloc_free(&s.disk);
	errno = e;
	return r;
}

struct moving {
	stralloc from, to, *fresh;
	int below; /* those below it go along */
	int changed;
};

static int
move_entry(void *arg, struct entry const *e)
{
	struct moving *m = arg;
	size_t n = m->from.len;
	int hit = e->disk.len >= n && !memcmp(e->disk.s, m->from.s, n) &&
		  (e->disk.len == n || (m->below && e->disk.s[n] == '.'));
	m->changed |= hit;
	if (!hit)
		put_entry(m->fresh, &e->disk, e->key.s, e->value.s, e->value.len);
	else if (m->to.len) {
		stralloc disk = STRALLOC_ZERO;
		sa_copyb(&disk, m->to.s, m->to.len);
		sa_catb(&disk, e->disk.s + n, e->disk.len - n);
		put_entry(m->fresh, &disk, e->key.s, e->value.s, e->value.len);
		stralloc_free(&disk);
	}
	return 0;
}

static int
move_entries(void *arg, stralloc const *old, int exists, stralloc *fresh)
{
	struct moving *m = arg;
	m->fresh = fresh;
	sa_cats(fresh, HEADER);
	if (exists)
		each_entry(old, move_entry, m);
	return m->changed;
}

int
metadata_moved(struct maildir_tree const *t, char const *from, char const *to)
{
	struct moving m = {STRALLOC_ZERO, STRALLOC_ZERO, 0, to != 0, 0};
	int r = file_name(t, from, &m.from);
	if (!r && to)
		r = file_name(t, to, &m.to);
	if (!r)
		r = side_file_change(t->root, FILE_NAME, MAILDIR_METADATA_FILE, move_entries, &m);
	int e = errno;
	stralloc_free(&m.from);
	stralloc_free(&m.to);
	errno = e;
	return r;
}

/* ---- special-use ------------------------------------------------------------------------------
 */

/* RFC 6154 2 and RFC 8457 3. */
static char const *const special_uses[] = {
    "\\All", "\\Archive", "\\Drafts", "\\Flagged", "\\Junk", "\\Sent", "\\Trash", "\\Important", 0};

static int
known_use(char const *s, size_t n)
{
	for (unsigned int i = 0; special_uses[i]; i++)
		if (ascii_ieq(s, n, special_uses[i]))
			return 1;
	return 0;
}

int
special_use_get(struct maildir_tree const *t, char const *name, stralloc *uses)
{
	return metadata_get(t, name, METADATA_SPECIAL_USE, uses);
}

int
special_use_set(struct maildir_tree const *t, char const *name, char const *uses)
{
	for (char const *s = uses; *s;) {
		size_t n = strcspn(s, " ");
		if (!known_use(s, n)) {
			errno = EINVAL;
			return -1;
		}
		s += n + (s[n] == ' ');
	}
	return metadata_set(t, name, METADATA_SPECIAL_USE, *uses ? uses : 0, strlen(uses));
}

struct searching {
	char const *use;
	stralloc *name;
};

static int
match_use(void *arg, char const *name, char const *key, char const *value, size_t len)
{
	struct searching *s = arg;
	(void)key;
	for (char const *p = value, *end = value + len; p < end;) {
		char const *sp = memchr(p, ' ', (size_t)(end - p));
		size_t n = (size_t)((sp ? sp : end) - p);
		if (ascii_ieq(p, n, s->use)) {
			sa_cats(s->name, name);
			return 1;
		}
		p += n + 1;
	}
	return 0;
}

int
special_use_find(struct maildir_tree const *t, char const *use, stralloc *name)
{
	struct searching s = {use, name};
	return metadata_each(t, METADATA_SPECIAL_USE, match_use, &s);
}

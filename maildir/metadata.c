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
#define SHARED "/shared/"

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

static int
is_shared(char const *key)
{
	return ascii_ieq(key, strnlen(key, sizeof SHARED - 1), SHARED);
}

/* Where entries of a folder are: the directory of the file, and the folder's name in it. A folder's
 * own directory has its entries under the name INBOX. 0 or -1 (ENOENT: no such folder). */
static int
place(struct maildir_tree const *t, char const *name, int shared, stralloc *dir, stralloc *disk)
{
	if (!*name || !shared) {
		sa_cats(dir, t->root);
		sa_str(dir);
		return file_name(t, name, disk);
	}
	sa_cats(disk, "INBOX");
	sa_str(disk);
	int r = tree_dir(t, name, dir);
	if (!r)
		errno = ENOENT;
	return r > 0 ? 0 : -1;
}

struct wanted {
	stralloc disk;
	char const *name, *key; /* key null: all */
	metadata_fn *fn;
	void *arg;
};

static int
want(void *arg, struct entry const *e)
{
	struct wanted *w = arg;
	if (strcmp(e->disk.s, w->disk.s) || (w->key && !ascii_ieq(e->key.s, e->key.len, w->key)))
		return 0;
	return w->fn(w->arg, w->name, e->key.s, e->value.s, e->value.len);
}

static int
read_folder(struct maildir_tree const *t, int shared, struct wanted *w)
{
	stralloc text = STRALLOC_ZERO, dir = STRALLOC_ZERO;
	int r = place(t, w->name, shared, &dir, &w->disk);
	if (!r)
		r = side_file_read(dir.s, FILE_NAME, MAILDIR_METADATA_FILE, &text);
	if (r > 0)
		r = each_entry(&text, want, w);
	int e = errno;
	stralloc_free(&text);
	stralloc_free(&dir);
	stralloc_free(&w->disk);
	errno = e;
	return r;
}

static int
visit_kind(void *arg, char const *name, char const *key, char const *value, size_t len)
{
	struct visiting *v = arg;
	return is_shared(key) == !!v->key ? v->fn(v->arg, name, key, value, len) : 0;
}

int
metadata_of(struct maildir_tree const *t, char const *name, int shared, metadata_fn *fn, void *arg)
{
	struct visiting v = {t, shared ? SHARED : 0, fn, arg};
	struct wanted w = {STRALLOC_ZERO, name, 0, visit_kind, &v};
	return read_folder(t, shared, &w);
}

static int
get_value(void *arg, char const *name, char const *key, char const *value, size_t len)
{
	(void)name;
	(void)key;
	sa_catb(arg, value, len);
	return 1;
}

int
metadata_get(struct maildir_tree const *t, char const *name, char const *key, stralloc *value)
{
	struct wanted w = {STRALLOC_ZERO, name, key, get_value, value};
	return read_folder(t, is_shared(key), &w);
}

/* ---- writing ----------------------------------------------------------------------------------
 */

struct setting {
	stralloc disk;
	struct metadata_item const *item;
	size_t count, kept; /* kept: other entries of the folder */
	stralloc *fresh;
	int changed, asked;
};

static int
copy_others(void *arg, struct entry const *e)
{
	struct setting *s = arg;
	int same = !strcmp(e->disk.s, s->disk.s);
	for (size_t i = 0; same && i < s->count; i++)
		if (ascii_ieq(e->key.s, e->key.len, s->item[i].key)) {
			s->changed = 1;
			return 0;
		}
	s->kept += (size_t)same;
	put_entry(s->fresh, &e->disk, e->key.s, e->value.s, e->value.len);
	return 0;
}

static int
set_entries(void *arg, stralloc const *old, int exists, stralloc *fresh)
{
	struct setting *s = arg;
	(void)exists;
	s->fresh = fresh;
	sa_cats(fresh, HEADER);
	each_entry(old, copy_others, s);
	for (size_t i = 0; i < s->count; i++)
		if (s->item[i].value) {
			put_entry(
			    fresh, &s->disk, s->item[i].key, s->item[i].value, s->item[i].len);
			s->kept++;
			s->changed = 1;
		}
	if (s->kept > MAILDIR_METADATA_ENTRIES || fresh->len > MAILDIR_METADATA_FILE) {
		errno = EMLINK;
		return -1;
	}
	return s->changed && !s->asked;
}

static int
valid(struct metadata_item const *item)
{
	if (!*item->key || strlen(item->key) > KEY_MAX)
		errno = EINVAL;
	else if (item->value && item->len > MAILDIR_METADATA_VALUE)
		errno = EFBIG;
	else
		return 1;
	return 0;
}

int
metadata_change(struct maildir_tree const *t, char const *name, struct metadata_item const *item,
    size_t count, int really)
{
	struct setting s = {STRALLOC_ZERO, item, count, 0, 0, 0, !really};
	stralloc dir = STRALLOC_ZERO;
	int r = 0;
	for (size_t i = 0; i < count; i++)
		if (!valid(&item[i]))
			return -1;
	if (count)
		r = place(t, name, is_shared(item[0].key), &dir, &s.disk);
	if (!r && count)
		r = side_file_change(dir.s, FILE_NAME, MAILDIR_METADATA_FILE, set_entries, &s);
	int e = errno;
	stralloc_free(&dir);
	stralloc_free(&s.disk);
	errno = e;
	return r;
}

int
metadata_set(
    struct maildir_tree const *t, char const *name, char const *key, char const *value, size_t len)
{
	struct metadata_item const item = {key, value, len};
	return metadata_change(t, name, &item, 1, 1);
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

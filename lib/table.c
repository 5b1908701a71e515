#include "lib/table.h"

#include <errno.h>
#include <stdio.h>
#include <strings.h>

#include <skalibs/cdb.h>
#include <skalibs/cdbmake.h>

#include "lib/ascii.h"
#include "lib/conf.h"
#include "lib/durable.h"
#include "lib/id.h"
#include "lib/sa.h"
#include "lib/skalibs-compat.h"

#define TABLE_KEY_MAX 1024

static void
table_path(stralloc *path, char const *name, char const *suffix)
{
	sa_copys(path, conf_dir());
	sa_cats(path, "/etc/");
	sa_cats(path, name);
	sa_cats(path, suffix);
	sa_str(path);
}

/* ---- the text's grammar ---- */

struct entry {
	stralloc key, value;
};

static void
entry_start(struct entry *e, char const *s, size_t n)
{
	int quoted = 0;
	size_t i = 0;
	sa_reset(&e->key);
	for (; i < n && (quoted || s[i] != ':'); i++) {
		if (s[i] == '"')
			quoted = !quoted;
		else {
			if (quoted && s[i] == '\\' && i + 1 < n)
				i++;
			sa_append(&e->key, s[i]);
		}
	}
	while (e->key.len && ascii_isspace(e->key.s[e->key.len - 1]))
		e->key.len--;
	ascii_lower(e->key.s, e->key.len);
	char const *v = s + i + (i < n);
	size_t vlen = n - i - (i < n);
	ascii_trim(&v, &vlen);
	sa_copyb(&e->value, v, vlen);
}

static void
entry_continue(struct entry *e, char const *s, size_t n)
{
	ascii_trim(&s, &n);
	if (n && e->value.len)
		sa_append(&e->value, ' ');
	sa_catb(&e->value, s, n);
}

static int
entry_emit(struct entry *e, table_each_fn *fn, void *arg)
{
	if (!e->key.len)
		return 0;
	sa_str(&e->key);
	sa_str(&e->value);
	int r = fn(arg, e->key.s, e->key.len, e->value.s, e->value.len);
	sa_reset(&e->key);
	return r;
}

static int
text_each(char const *s, size_t len, table_each_fn *fn, void *arg)
{
	struct entry e = {STRALLOC_ZERO, STRALLOC_ZERO};
	int r = 0;
	while (len && !r) {
		char const *lf = memchr(s, '\n', len);
		size_t n = lf ? (size_t)(lf - s) : len;
		int blank = n && ascii_isspace(*s);
		char const *t = s;
		size_t tn = n;
		ascii_trim(&t, &tn);
		if (tn && *t != '#') {
			if (blank && e.key.len)
				entry_continue(&e, s, n);
			else {
				r = entry_emit(&e, fn, arg);
				if (!r)
					entry_start(&e, t, tn);
			}
		}
		s += n + (lf ? 1 : 0);
		len -= n + (lf ? 1 : 0);
	}
	if (!r)
		r = entry_emit(&e, fn, arg);
	stralloc_free(&e.key);
	stralloc_free(&e.value);
	return r;
}

int
table_each(char const *name, table_each_fn *fn, void *arg)
{
	stralloc path = STRALLOC_ZERO, text = STRALLOC_ZERO;
	table_path(&path, name, "");
	int r = 0;
	if (openslurpclose(&text, path.s))
		r = text_each(text.s, text.len, fn, arg);
	else if (errno != ENOENT)
		r = -1;
	int e = errno;
	stralloc_free(&path);
	stralloc_free(&text);
	errno = e;
	return r;
}

/* ---- look-up ---- */

/* What the cdb says of the text it was made from. */
static size_t
stamp(char *s, size_t max, struct stat const *st)
{
	return (size_t)snprintf(s, max, "%lld.%09ld %lld", (long long)st->st_mtim.tv_sec,
	    st->st_mtim.tv_nsec, (long long)st->st_size);
}

/* 1 found, 0 not there, -1 error, 2 the cdb is missing or not of this text. */
static int
cdb_lookup(char const *path, struct stat const *text, char const *key, size_t len, stralloc *value)
{
	cdb c = CDB_ZERO;
	cdb_data data;
	char want[80];
	if (!cdb_init(&c, path))
		return errno == ENOENT ? 2 : -1;
	size_t n = stamp(want, sizeof want, text);
	int r = cdb_find(&c, &data, "", 0);
	if (r == 1 && data.len == n && !memcmp(data.s, want, n))
		r = cdb_find(&c, &data, key, (uint32_t)len);
	else
		r = 2;
	if (r == 1) {
		sa_copyb(value, data.s, data.len);
		sa_str(value);
	}
	cdb_free(&c);
	if (r < 0)
		errno = EINVAL;
	return r;
}

struct search {
	char const *key;
	size_t len;
	stralloc *value;
};

static int
search_one(void *arg, char const *key, size_t klen, char const *value, size_t vlen)
{
	struct search *s = arg;
	if (klen != s->len || memcmp(key, s->key, klen))
		return 0;
	sa_copyb(s->value, value, vlen);
	sa_str(s->value);
	return 1;
}

int
table_find(char const *name, char const *key, size_t len, stralloc *value)
{
	char low[TABLE_KEY_MAX];
	stralloc path = STRALLOC_ZERO;
	struct stat st;
	if (!len || len > sizeof low)
		return 0;
	memcpy(low, key, len);
	ascii_lower(low, len);
	table_path(&path, name, "");
	int r = stat(path.s, &st);
	if (r < 0)
		r = errno == ENOENT ? 0 : -1;
	else {
		sa_cats(&path, ".cdb");
		r = cdb_lookup(sa_str(&path), &st, low, len, value);
		if (r == 2)
			r = table_each(name, search_one, &(struct search){low, len, value});
	}
	int e = errno;
	stralloc_free(&path);
	errno = e;
	return r;
}

/* ---- compiling ---- */

struct compile {
	cdbmaker m;
	char last[TABLE_KEY_MAX];
};

static int
compile_one(void *arg, char const *key, size_t klen, char const *value, size_t vlen)
{
	struct compile *c = arg;
	/* cdb_find returns the first of several, as the text's rule wants. */
	return cdbmake_add(&c->m, key, (uint32_t)klen, value, (uint32_t)vlen) ? 0 : -1;
}

static int
compile_to(int fd, char const *name, struct stat const *st)
{
	struct compile c = {.m = CDBMAKER_ZERO};
	char s[80];
	size_t n = stamp(s, sizeof s, st);
	if (!cdbmake_start(&c.m, fd) || !cdbmake_add(&c.m, "", 0, s, (uint32_t)n))
		return -1;
	if (table_each(name, compile_one, &c) < 0 || !cdbmake_finish(&c.m))
		return -1;
	if (fchmod(fd, st->st_mode & 07777) < 0 || fchown(fd, st->st_uid, st->st_gid) < 0)
		return -1;
	return durable_file(fd);
}

int
table_compile(char const *name)
{
	stralloc text = STRALLOC_ZERO, cdbfile = STRALLOC_ZERO, tmp = STRALLOC_ZERO;
	struct stat st;
	char id[ID_MAX + 1];
	id_new(id);
	table_path(&text, name, "");
	table_path(&cdbfile, name, ".cdb");
	table_path(&tmp, name, ".");
	sa_cats(&tmp, id);
	int r = stat(text.s, &st);
	int fd = r < 0 ? -1 : open(sa_str(&tmp), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	r = compile_to(fd, name, &st);
	if (close(fd) < 0)
		r = -1;
	if (!r)
		r = rename(tmp.s, cdbfile.s);
	if (r < 0) {
		int e = errno;
		unlink(tmp.s);
		errno = e;
	} else {
		table_path(&text, "", "");
		r = durable_dirname(text.s);
	}
	stralloc_free(&text);
	stralloc_free(&cdbfile);
	stralloc_free(&tmp);
	return r;
}

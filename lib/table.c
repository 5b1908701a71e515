#include "lib/table.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/cdb-read.h"
#include "lib/conf.h"
#include "lib/lookup.h"
#include "lib/sa.h"
#include "lib/table-key.h"
#include "lib/table-path.h"

void
table_path(stralloc *path, char const *name, char const *suffix)
{
	sa_copys(path, conf_dir());
	sa_cats(path, "/etc/");
	sa_cats(path, name);
	sa_cats(path, suffix);
	sa_str(path);
}

size_t
table_stamp(char s[static TABLE_STAMP_MAX], struct stat const *text)
{
	return (size_t)snprintf(s, TABLE_STAMP_MAX, "%lld.%09ld %lld",
	    (long long)text->st_mtim.tv_sec, text->st_mtim.tv_nsec, (long long)text->st_size);
}

/* 1 found, 0 not there, -1 error, 2 the cdb is missing or not of this text. */
static int
cdb_lookup(char const *path, struct stat const *text, char const *key, size_t len, stralloc *value)
{
	struct cdb_read c;
	char want[TABLE_STAMP_MAX];
	if (cdb_read_open(&c, path) < 0)
		return errno == ENOENT ? 2 : -1;
	int r = 2;
	if (cdb_read_begins(&c, want, table_stamp(want, text)))
		r = cdb_read_find(&c, key, len, TABLE_VALUE_MAX, value);
	int const e = errno;
	cdb_read_close(&c);
	errno = e;
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
	errno = EINVAL; /* as in a cdb: its reader would see half of it */
	if (memchr(value, 0, vlen))
		return -1;
	sa_copyb(s->value, value, vlen);
	sa_str(s->value);
	return 1;
}

/* In the table's own file. */
static int
file_find(char const *name, char const *key, size_t len, stralloc *value)
{
	stralloc path = STRALLOC_ZERO;
	struct stat st;
	table_path(&path, name, "");
	int r = stat(path.s, &st);
	if (r < 0)
		r = errno == ENOENT ? 0 : -1;
	else {
		sa_cats(&path, ".cdb");
		r = cdb_lookup(sa_str(&path), &st, key, len, value);
		if (r == 2)
			r = table_each(name, search_one, &(struct search){key, len, value});
	}
	int e = errno;
	stralloc_free(&path);
	errno = e;
	return r;
}

int
table_find(char const *name, char const *key, size_t len, stralloc *value)
{
	stralloc k = STRALLOC_ZERO;
	struct lookup_source *s;
	size_t n;
	if (!len || len > TABLE_KEY_MAX)
		return 0;
	key_of_table(&k, name, key, len);
	int r = lookup_sources(name, &s, &n);
	if (!r)
		r = file_find(name, k.s, k.len, value);
	else if (r > 0)
		for (r = 0; !r && n; s++, n--)
			r = s->kind == LOOKUP_FILE ? file_find(name, k.s, k.len, value)
						   : lookup_ask(s, k.s, k.len, value);
	int e = errno;
	stralloc_free(&k);
	errno = e;
	return r;
}

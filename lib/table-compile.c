#include <errno.h>
#include <stdio.h>
#include <strings.h>

#include <skalibs/cdbmake.h>

#include "lib/durable.h"
#include "lib/id.h"
#include "lib/sa.h"
#include "lib/skalibs-compat.h"
#include "lib/table-path.h"
#include "lib/table.h"

static int
compile_one(void *arg, char const *key, size_t klen, char const *value, size_t vlen)
{
	cdbmaker *m = arg;
	/* cdb_find returns the first of several, as the text's rule wants. */
	return cdbmake_add(m, key, (uint32_t)klen, value, (uint32_t)vlen) ? 0 : -1;
}

static int
compile_to(int fd, char const *name, struct stat const *st)
{
	cdbmaker m = CDBMAKER_ZERO;
	char s[TABLE_STAMP_MAX];
	size_t n = table_stamp(s, st);
	if (!cdbmake_start(&m, fd) || !cdbmake_add(&m, "", 0, s, (uint32_t)n))
		return -1;
	if (table_each(name, compile_one, &m) < 0 || !cdbmake_finish(&m))
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

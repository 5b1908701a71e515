/* The text's grammar, read in pieces: a table may have millions of lines. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <skalibs/allreadwrite.h>

#include "lib/ascii.h"
#include "lib/sa.h"
#include "lib/skalibs-compat.h"
#include "lib/table-key.h"
#include "lib/table-path.h"
#include "lib/table.h"

#define PIECE 65536

struct entry {
	char const *table;
	stralloc raw, key, value;
};

/* The key as it is written, without its quotes: octets read up to the colon. */
static size_t
key_end(stralloc *raw, char const *s, size_t n)
{
	int quoted = 0;
	size_t i = 0;
	for (; i < n && (quoted || s[i] != ':'); i++) {
		if (s[i] == '"')
			quoted = !quoted;
		else {
			if (quoted && s[i] == '\\' && i + 1 < n)
				i++;
			sa_append(raw, s[i]);
		}
	}
	return i;
}

static void
entry_start(struct entry *e, char const *s, size_t n)
{
	sa_reset(&e->raw);
	sa_reset(&e->key);
	size_t const end = key_end(&e->raw, s, n);
	while (e->raw.len && ascii_isspace(e->raw.s[e->raw.len - 1]))
		e->raw.len--;
	if (e->raw.len)
		key_of_table(&e->key, e->table, e->raw.s, e->raw.len);
	char const *v = s + end + (end < n);
	size_t vlen = n - end - (end < n);
	ascii_trim(&v, &vlen);
	sa_copyb(&e->value, v, vlen);
}

static int
entry_continue(struct entry *e, char const *s, size_t n)
{
	ascii_trim(&s, &n);
	if (n && e->value.len)
		sa_append(&e->value, ' ');
	sa_catb(&e->value, s, n);
	errno = EFBIG;
	return e->value.len > TABLE_VALUE_MAX ? -1 : 0;
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
take_line(struct entry *e, char const *s, size_t n, table_each_fn *fn, void *arg)
{
	char const *t = s;
	size_t tn = n;
	ascii_trim(&t, &tn);
	if (!tn || *t == '#')
		return 0;
	if (ascii_isspace(*s) && e->key.len)
		return entry_continue(e, s, n);
	int const r = entry_emit(e, fn, arg);
	if (!r)
		entry_start(e, t, tn);
	return r;
}

/* What is left of a file, line by line. */
struct reader {
	int fd, ended;
	stralloc in;
	size_t at; /* the first octet that was not used */
};

/* The next line without its end: 1, 0 there is none, -1. */
static int
next_line(struct reader *r, char const **s, size_t *n)
{
	for (size_t seen = r->at;;) {
		char const *lf =
		    seen < r->in.len ? memchr(r->in.s + seen, '\n', r->in.len - seen) : 0;
		if (lf || (r->ended && r->at < r->in.len)) {
			*s = r->in.s + r->at;
			*n = (size_t)((lf ? lf : r->in.s + r->in.len) - *s);
			r->at += *n + (lf != 0);
			return 1;
		}
		if (r->ended)
			return 0;
		if (r->at)
			memmove(r->in.s, r->in.s + r->at, r->in.len -= r->at);
		r->at = 0;
		seen = r->in.len;
		errno = EFBIG;
		if (r->in.len > TABLE_VALUE_MAX)
			return -1;
		sa_room(&r->in, PIECE);
		ssize_t const got = fd_read(r->fd, r->in.s + r->in.len, PIECE);
		if (got < 0)
			return -1;
		r->in.len += (size_t)got;
		r->ended = !got;
	}
}

static void
wipe(stralloc *sa)
{
	if (sa->s)
		explicit_bzero(sa->s, sa->a);
	stralloc_free(sa);
}

static int
text_each(int fd, char const *name, table_each_fn *fn, void *arg)
{
	struct entry e = {.table = name};
	struct reader in = {.fd = fd};
	char const *s;
	size_t n;
	int r, got;
	do {
		got = next_line(&in, &s, &n);
		r = got > 0 ? take_line(&e, s, n, fn, arg) : got;
	} while (got > 0 && !r);
	if (!r)
		r = entry_emit(&e, fn, arg);
	stralloc_free(&e.raw);
	stralloc_free(&e.key);
	wipe(&e.value);
	wipe(&in.in);
	return r;
}

int
table_each(char const *name, table_each_fn *fn, void *arg)
{
	stralloc path = STRALLOC_ZERO;
	table_path(&path, name, "");
	int const fd = open(path.s, O_RDONLY | O_CLOEXEC);
	int r = fd >= 0 ? text_each(fd, name, fn, arg) : errno == ENOENT ? 0 : -1;
	int e = errno;
	if (fd >= 0)
		close(fd);
	stralloc_free(&path);
	errno = e;
	return r;
}

#include "maildir/keywords.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/ascii.h"
#include "lib/durable.h"
#include "lib/sa.h"
#include "maildir/filesystem.h"
#include "maildir/layout.h"

#define DOVECOT_NAME "dovecot-keywords"
#define POSTERN_NAME "postern-keywords"
#define HEADER "postern-keywords 1\n"

/* RFC 3501 flag-keyword: an atom; RFC 9051 2.3.2. */
static int
is_atom(char const *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (s[i] <= ' ' || s[i] >= 127 || strchr("(){%*\"\\]", s[i]))
			return 0;
	return n > 0 && n <= MAILDIR_KEYWORD_MAX;
}

int
keywords_find(struct keywords const *k, char const *name, size_t len)
{
	for (unsigned int i = 0; i < k->count; i++)
		if (k->name[i] && ascii_ieq(name, len, k->name[i]))
			return (int)i;
	return -1;
}

/* A name for a number that has none yet; what is out of range or there already is passed over. */
static int
put_name(struct keywords *k, uint64_t i, char const *name, size_t len)
{
	if (i >= MAILDIR_KEYWORDS || k->name[i] || !is_atom(name, len) ||
	    keywords_find(k, name, len) >= 0)
		return 0;
	k->name[i] = xstrndup(name, len);
	if (k->count <= i)
		k->count = (unsigned int)i + 1;
	return 1;
}

/* "12 name": 1 and the parts, or 0. */
static int
split(char const *s, char const *end, uint64_t *n, char const **name)
{
	char const *p = s;
	for (*n = 0; p < end && ascii_isdigit(*p) && *n < 1000000; p++)
		*n = *n * 10 + (uint64_t)(*p - '0');
	*name = p + 1;
	return p > s && p < end && *p == ' ';
}

/* ---- dovecot-keywords -------------------------------------------------------------------------
 */

static void
forget_letters(struct keywords *k)
{
	for (unsigned int i = 0; i < MAILDIR_LETTERS; i++) {
		free(k->name[i]);
		k->name[i] = 0;
	}
	k->unsaved.bits[0] &= ~KEYWORD_LETTER_BITS;
}

/* It is small and always replaced whole. 1 read, 0 unchanged or not there, -1. */
static int
read_dovecot(struct keywords *k, int fd_dir)
{
	char buf[16384];
	struct stat st;
	int fd = openat(fd_dir, DOVECOT_NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	k->dovecot_absent = fd < 0;
	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	ssize_t n = fstat(fd, &st);
	int same = !n && st.st_ino == k->dovecot_ino &&
		   st.st_mtim.tv_sec == k->dovecot_time.tv_sec &&
		   st.st_mtim.tv_nsec == k->dovecot_time.tv_nsec;
	if (!n && !same)
		n = read(fd, buf, sizeof buf);
	int e = errno;
	close(fd);
	if (same || n < 0) {
		errno = e;
		return same ? 0 : -1;
	}
	k->dovecot_ino = st.st_ino;
	k->dovecot_time = st.st_mtim;
	forget_letters(k);
	for (char *s = buf, *end = buf + n, *lf; (lf = memchr(s, '\n', (size_t)(end - s)));
	     s = lf + 1) {
		uint64_t i;
		char const *name;
		if (split(s, lf, &i, &name) && i < MAILDIR_LETTERS)
			put_name(k, i, name, (size_t)(lf - name));
	}
	return 1;
}

static int
write_dovecot(struct keywords *k, int fd_dir)
{
	stralloc out = STRALLOC_ZERO;
	struct stat st;
	/* Names that are not known would be given away. */
	if (k->dovecot_absent && !filesystem_absent(fd_dir, DOVECOT_NAME))
		return -1;
	int was = !fstatat(fd_dir, DOVECOT_NAME, &st, 0);
	mode_t mode = was ? st.st_mode & 0777 : layout_mode(fd_dir);
	for (unsigned int i = 0; i < MAILDIR_LETTERS; i++)
		if (k->name[i])
			sa_catf(&out, "%u %s\n", i, k->name[i]);
	int r = layout_replace(fd_dir, DOVECOT_NAME, out.s, out.len, mode);
	int e = errno;
	if (!r)
		k->dovecot_absent = 0;
	/* Dovecot notices another second only; a name that it missed it would call "unknown-5". */
	if (!r && was && st.st_mtime >= time(0)) {
		struct timespec t[2] = {{0, UTIME_OMIT}, {st.st_mtime + 1, 0}};
		(void)utimensat(fd_dir, DOVECOT_NAME, t, 0);
	}
	stralloc_free(&out);
	errno = e;
	return r;
}

/* ---- postern-keywords -------------------------------------------------------------------------
 */

/* "M 27,30 base" or "M - base": the whole set of one message beyond the letters. */
static void
take_set(char const *s, char const *end, keywords_set_fn *fn, void *arg)
{
	struct keyword_set set = KEYWORD_SET_ZERO;
	char const *sp = memchr(s, ' ', (size_t)(end - s));
	if (!sp || sp + 1 >= end || !fn)
		return;
	for (; s < sp; s++) {
		unsigned int n = 0;
		for (; s < sp && ascii_isdigit(*s) && n < 1000; s++)
			n = n * 10 + (unsigned int)(*s - '0');
		if (n >= MAILDIR_LETTERS && n < MAILDIR_KEYWORDS)
			keyword_add(&set, n);
	}
	fn(arg, sp + 1, (size_t)(end - sp - 1), &set);
}

static void
take_line(struct keywords *k, char const *s, char const *end, keywords_set_fn *fn, void *arg)
{
	uint64_t i;
	char const *name;
	if (end - s < 3 || s[1] != ' ')
		return;
	if (s[0] == 'K' && split(s + 2, end, &i, &name) && i >= MAILDIR_LETTERS)
		put_name(k, i, name, (size_t)(end - name));
	else if (s[0] == 'M')
		take_set(s + 2, end, fn, arg);
}

/* Whole lines of s[0..n): how many octets they are. */
static size_t
take_lines(struct keywords *k, char const *s, size_t n, keywords_set_fn *fn, void *arg)
{
	char const *p = s, *end = s + n, *lf;
	for (; (lf = memchr(p, '\n', (size_t)(end - p))); p = lf + 1)
		take_line(k, p, lf, fn, arg);
	return (size_t)(p - s);
}

static int
read_postern(struct keywords *k, int fd_dir, keywords_set_fn *fn, void *arg)
{
	char buf[65536];
	struct stat st;
	int fd = openat(fd_dir, POSTERN_NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), what = 0;
	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	if (fstat(fd, &st) < 0) {
		close(fd);
		return -1;
	}
	if (st.st_ino != k->postern_ino || st.st_size < k->postern_parsed) {
		what = 2;
		k->postern_ino = st.st_ino;
		k->postern_parsed = 0;
	}
	while (k->postern_parsed < st.st_size) {
		ssize_t n = pread(fd, buf, sizeof buf, k->postern_parsed);
		size_t used = n > 0 ? take_lines(k, buf, (size_t)n, fn, arg) : 0;
		if (!used && n == sizeof buf)
			used = sizeof buf; /* no line at all: damage, passed over */
		if (!used) {
			if (n < 0)
				what = -1;
			break;
		}
		k->postern_parsed += (off_t)used;
		if (!what)
			what = 1;
	}
	int e = errno;
	close(fd);
	errno = e;
	return what;
}

/* Appends text under the lock, behind the last whole line, and syncs. */
static int
append_postern(struct keywords *k, int fd_dir, stralloc *text)
{
	struct stat st;
	int fd = layout_create(fd_dir, POSTERN_NAME, O_RDWR);
	if (fd < 0)
		return -1;
	int r = fstat(fd, &st), made = !r && !st.st_size;
	off_t at = made ? 0 : k->postern_parsed;
	/* What is cut off below must have been read. */
	if (!r && !made && st.st_ino != k->postern_ino) {
		errno = EIO;
		r = -1;
	}
	if (made) {
		sa_room(text, sizeof HEADER);
		memmove(text->s + sizeof HEADER - 1, text->s, text->len);
		memcpy(text->s, HEADER, sizeof HEADER - 1);
		text->len += sizeof HEADER - 1;
	}
	/* What a killed writer left unfinished goes first. */
	if (!r && st.st_size > at)
		r = ftruncate(fd, at);
	if (!r && (lseek(fd, at, SEEK_SET) < 0 || durable_write(fd, text->s, text->len) < 0 ||
		      durable_data(fd) < 0)) {
		r = -1;
		int e = errno;
		if (ftruncate(fd, at) < 0)
			k->postern_ino = 0;
		errno = e;
	}
	if (!r && made)
		r = durable_dir(fd_dir);
	if (!r) {
		k->postern_ino = st.st_ino;
		k->postern_parsed = at + (off_t)text->len;
	}
	int e = errno;
	close(fd);
	errno = e;
	return r;
}

static void
put_set(stralloc *out, struct keywords_line const *line)
{
	int any = 0;
	sa_cats(out, "M ");
	for (unsigned int i = MAILDIR_LETTERS; i < MAILDIR_KEYWORDS; i++)
		if (keyword_has(&line->set, i)) {
			if (any++)
				sa_append(out, ',');
			sa_catnum(out, i);
		}
	if (!any)
		sa_append(out, '-');
	sa_append(out, ' ');
	sa_catb(out, line->base, line->base_len);
	sa_append(out, '\n');
}

void
keywords_put_names(struct keywords const *k, stralloc *out)
{
	for (unsigned int i = MAILDIR_LETTERS; i < k->count; i++)
		if (k->name[i])
			sa_catf(out, "K %u %s\n", i, k->name[i]);
}

void
keywords_take_names(struct keywords *k, char const *lines, size_t len)
{
	(void)take_lines(k, lines, len, 0, 0);
}

int
keywords_append(struct keywords *k, int fd_dir, struct keywords_line const *line, size_t n)
{
	stralloc out = STRALLOC_ZERO;
	if (!n)
		return 0;
	for (size_t i = 0; i < n; i++)
		put_set(&out, line + i);
	int r = append_postern(k, fd_dir, &out), e = errno;
	stralloc_free(&out);
	errno = e;
	return r;
}

int
keywords_rewrite(struct keywords *k, int fd_dir, struct keywords_line const *line, size_t n)
{
	stralloc out = STRALLOC_ZERO;
	sa_cats(&out, HEADER);
	keywords_put_names(k, &out);
	for (size_t i = 0; i < n; i++)
		put_set(&out, line + i);
	int r = layout_replace(fd_dir, POSTERN_NAME, out.s, out.len, layout_mode(fd_dir)), e = errno;
	k->postern_ino = 0; /* the next keywords_read reads it again */
	stralloc_free(&out);
	errno = e;
	return r;
}

/* ---- both -------------------------------------------------------------------------------------
 */

int
keywords_read(struct keywords *k, int fd_dir, keywords_set_fn *fn, void *arg)
{
	int d = read_dovecot(k, fd_dir);
	int p = d < 0 ? -1 : read_postern(k, fd_dir, fn, arg);
	return p < 0 ? -1 : p == 2 ? 2 : d || p;
}

int
keywords_make(struct keywords *k, char const *name, size_t len)
{
	int known = keywords_find(k, name, len);
	if (known >= 0)
		return known;
	if (!is_atom(name, len)) {
		errno = EINVAL;
		return -1;
	}
	for (unsigned int i = 0; i < MAILDIR_KEYWORDS; i++)
		if (!k->name[i]) {
			put_name(k, i, name, len);
			keyword_add(&k->unsaved, i);
			return (int)i;
		}
	errno = EOVERFLOW;
	return -1;
}

static int
save_postern(struct keywords *k, int fd_dir)
{
	stralloc out = STRALLOC_ZERO;
	/* Readers pass over names that they have, so all of them may stand there again. */
	keywords_put_names(k, &out);
	int r = append_postern(k, fd_dir, &out), e = errno;
	stralloc_free(&out);
	errno = e;
	return r;
}

/* A number whose name is in no file must not come into a message's name. */
static void
forget_unsaved(struct keywords *k)
{
	for (unsigned int i = 0; i < MAILDIR_KEYWORDS; i++)
		if (keyword_has(&k->unsaved, i)) {
			free(k->name[i]);
			k->name[i] = 0;
		}
	k->unsaved = (struct keyword_set)KEYWORD_SET_ZERO;
}

int
keywords_save(struct keywords *k, int fd_dir)
{
	int r = 0;
	if (keyword_none(&k->unsaved))
		return 0;
	if (keyword_letters(&k->unsaved))
		r = write_dovecot(k, fd_dir);
	if (!r && keyword_beyond(&k->unsaved))
		r = save_postern(k, fd_dir);
	if (!r)
		k->unsaved = (struct keyword_set)KEYWORD_SET_ZERO;
	int e = errno;
	forget_unsaved(k);
	errno = e;
	return r;
}

void
keywords_free(struct keywords *k)
{
	for (unsigned int i = 0; i < k->count; i++)
		free(k->name[i]);
	*k = (struct keywords)KEYWORDS_ZERO;
}

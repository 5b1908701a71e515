/* Scripts in files, and their code kept beside them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/durable.h"
#include "lib/fnv.h"
#include "lib/pread-all.h"
#include "lib/sa.h"
#include "sieve/code.h"

/* What stands before the code in its file: which script it was made of. A clock that was set back
 * between two changes is found by the file's other times. */
struct stamp {
	uint64_t device, inode, size;
	int64_t modified, modified_ns, changed, changed_ns;
	uint64_t limits; /* a hash */
};

static struct stamp
stamp_of(struct stat const *st, struct sieve_limits const *l)
{
	uint64_t h = fnv64(FNV64_BEGIN, (char const *)&l->script, sizeof l->script);
	if (l->extensions)
		h = fnv64(h, l->extensions, strlen(l->extensions));
	return (struct stamp){st->st_dev, st->st_ino, (uint64_t)st->st_size, st->st_mtim.tv_sec,
	    st->st_mtim.tv_nsec, st->st_ctim.tv_sec, st->st_ctim.tv_nsec, h};
}

/* All of an open file, at most `max` octets, malloced: 0 or -1 and errno. */
static int
read_all(int fd, size_t max, char **s, size_t *n)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -1;
	if (!S_ISREG(st.st_mode)) {
		errno = EINVAL;
		return -1;
	}
	if ((uint64_t)st.st_size > max) {
		errno = EFBIG;
		return -1;
	}
	*s = xmalloc((size_t)st.st_size + 1);
	ssize_t const r = pread_all(fd, *s, (size_t)st.st_size, 0);
	if (r < 0) {
		free(*s);
		return -1;
	}
	*n = (size_t)r;
	return 0;
}

static char *
beside(char const *path, char const *suffix)
{
	stralloc s = STRALLOC_ZERO;
	sa_cats(&s, path);
	sa_cats(&s, suffix);
	return sa_str(&s);
}

/* 0, or -1: there is none that is of this script. */
static int
load_code(struct sieve_code *c, char const *path, struct stamp const *stamp)
{
	char *const name = beside(path, SIEVE_CODE_SUFFIX), *s = 0;
	size_t n;
	int const fd = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	int r = fd < 0 || read_all(fd, SIEVE_CODE_MAX + sizeof *stamp, &s, &n) < 0 ? -1 : 0;
	if (fd >= 0)
		close(fd);
	free(name);
	if (r < 0)
		return -1;
	_Static_assert(sizeof(struct stamp) % sizeof(uint64_t) == 0, "code behind it is aligned");
	if (n < sizeof *stamp || memcmp(s, stamp, sizeof *stamp) ||
	    sieve_code_open(c, s + sizeof *stamp, n - sizeof *stamp, path) < 0)
		r = -1;
	c->memory = r < 0 ? 0 : s;
	if (r < 0)
		free(s);
	return r;
}

/* Beside the script, whole or not at all. It is made again when it is lost, so it is not synced. */
static void
save_code(char const *path, struct stamp const *stamp, stralloc const *code, mode_t mode)
{
	stralloc tmp = STRALLOC_ZERO;
	char *const name = beside(path, SIEVE_CODE_SUFFIX);
	sa_catf(&tmp, "%s.%u.tmp", name, (unsigned int)getpid());
	int const fd =
	    open(sa_str(&tmp), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode & 0666);
	if (fd >= 0) {
		int r = durable_write(fd, (char const *)stamp, sizeof *stamp) < 0 ||
				durable_write(fd, code->s, code->len) < 0
			    ? -1
			    : 0;
		if (close(fd) < 0 || r < 0 || rename(tmp.s, name) < 0)
			unlink(tmp.s);
	}
	stralloc_free(&tmp);
	free(name);
}

static int
too_long(struct arena *a, struct sieve_limits const *l, struct sieve_errors *e)
{
	stralloc s = STRALLOC_ZERO;
	sa_catf(&s, "script too large: the limit is %zu octets", l->script);
	e->count = 1;
	e->list[0] = (struct sieve_error){1, arena_strndup(a, s.s, s.len)};
	stralloc_free(&s);
	errno = EFBIG;
	return -1;
}

int
sieve_file_load(struct sieve_code *c, struct arena *a, char const *path, int save,
    struct sieve_limits const *limits, struct sieve_errors *e)
{
	struct stat st;
	char *text = 0;
	size_t n = 0;
	stralloc code = STRALLOC_ZERO;
	e->count = 0;
	int const fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -1;
	int r = fstat(fd, &st);
	struct stamp const stamp = stamp_of(&st, limits);
	if (!r && load_code(c, path, &stamp) == 0) {
		close(fd);
		return 0;
	}
	r = r < 0 ? r : read_all(fd, limits->script, &text, &n);
	int const why = errno;
	close(fd);
	errno = why;
	if (r < 0)
		return why == EFBIG ? too_long(a, limits, e) : -1;
	r = sieve_compile(&code, a, text, n, limits, e);
	free(text);
	if (!r && save)
		save_code(path, &stamp, &code, st.st_mode);
	if (!r && (r = sieve_code_open(c, code.s, code.len, path)) == 0)
		c->memory = code.s;
	else
		stralloc_free(&code);
	errno = EINVAL;
	return r;
}

int
sieve_file_log(char const *path, struct sieve_errors const *e)
{
	char *const name = beside(path, SIEVE_LOG_SUFFIX);
	char const *const slash = strrchr(path, '/');
	stralloc s = STRALLOC_ZERO, tmp = STRALLOC_ZERO;
	int r = 0;
	for (unsigned int i = 0; i < e->count && s.len < SIEVE_LOG_MAX - SIEVE_ERROR_MAX - 1000;
	     i++)
		sa_catf(&s, "%.500s: line %u: %s\n", slash ? slash + 1 : path, e->list[i].line,
		    e->list[i].text);
	if (!s.len) {
		r = unlink(name) < 0 && errno != ENOENT ? -1 : 0;
	} else {
		sa_catf(&tmp, "%s.%u.tmp", name, (unsigned int)getpid());
		int const fd =
		    open(sa_str(&tmp), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
		r = fd < 0 || durable_write(fd, s.s, s.len) < 0 ? -1 : 0;
		if (fd >= 0 && (close(fd) < 0 || r < 0 || (r = rename(tmp.s, name)) < 0))
			unlink(tmp.s);
	}
	stralloc_free(&tmp);
	stralloc_free(&s);
	free(name);
	return r;
}

#include "maildir/tool/source.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/sa.h"
#include "maildir/layout.h"
#include "maildir/name.h"

#define LOOKS 5 /* at directories that change while they are read */

/* ---- files ------------------------------------------------------------------------------------
 */

static size_t
keep_text(struct source *s, char const *text, size_t len)
{
	size_t at = s->text.len;
	sa_catb(&s->text, text, len);
	sa_0(&s->text);
	return at;
}

static struct source_message *
add_message(struct source *s, char const *base, size_t len)
{
	uint32_t *i = names_add(&s->index, base, len, (uint32_t)s->count);
	if (*i < s->count)
		return s->m + *i;
	if (s->count == s->room) {
		s->room = s->room ? 2 * s->room : 256;
		s->m = xrealloc(s->m, s->room, sizeof *s->m);
	}
	s->m[s->count] = (struct source_message){.base_len = (uint8_t)len};
	return s->m + s->count++;
}

/* One file of cur/ or new/. A message that was renamed while we read may come twice: once is right.
 * When all have been read, only the names of what is known are of interest. */
static void
take_file(struct source *s, char const *file, int in_new)
{
	struct name n;
	size_t len = strlen(file);
	if (!name_parse(&n, file, len))
		return;
	struct source_message *m =
	    s->complete ? source_find(s, file, n.base_len) : add_message(s, file, n.base_len);
	if (!m)
		return;
	m->file = keep_text(s, file, len);
	m->in_new = (uint8_t)in_new;
	if (s->complete)
		return;
	m->flags = n.flags;
	m->set = (struct keyword_set)KEYWORD_SET_ZERO;
	for (unsigned int k = 0; k < MAILDIR_LETTERS; k++)
		if (s->letters && n.letters >> k & 1)
			keyword_add(&m->set, k);
}

static int
read_files(struct source *s, int fd, int in_new)
{
	int own = fd < 0 ? -1 : openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = own < 0 ? 0 : fdopendir(own);
	if (!d) {
		if (own >= 0)
			close(own);
		return fd < 0 ? 0 : -1; /* a Maildir may lack one of them */
	}
	errno = 0;
	for (struct dirent *e; (e = readdir(d)); errno = 0) {
		if (e->d_type != DT_DIR)
			take_file(s, e->d_name, in_new);
		if (s->count > MAILDIR_MESSAGES)
			errno = EFBIG;
		if (errno)
			break;
	}
	int error = errno;
	closedir(d);
	errno = error;
	return error ? -1 : 0;
}

static int
same_time(int fd, struct timespec *t)
{
	struct stat st = {.st_mtim = {0, 0}};
	int same = fd < 0 || fstat(fd, &st) < 0 ||
		   (st.st_mtim.tv_sec == t->tv_sec && st.st_mtim.tv_nsec == t->tv_nsec);
	*t = st.st_mtim;
	return same;
}

/* readdir may pass over a file that is renamed meanwhile; then it is there at the next look. */
static int
read_stable(struct source *s)
{
	struct timespec cur = {0, 0}, new = {0, 0};
	(void)same_time(s->fd_new, &new), (void)same_time(s->fd_cur, &cur);
	for (int i = 0; i < LOOKS; i++) {
		if (read_files(s, s->fd_new, 1) < 0 || read_files(s, s->fd_cur, 0) < 0)
			return -1;
		int still = same_time(s->fd_new, &new);
		if (same_time(s->fd_cur, &cur) && still)
			break;
	}
	return 0;
}

int
source_look_again(struct source *s)
{
	return read_files(s, s->fd_new, 1) < 0 || read_files(s, s->fd_cur, 0) < 0 ? -1 : 0;
}

/* ---- what stands beside them ------------------------------------------------------------------
 */

struct source_message *
source_find(struct source *s, char const *base, size_t len)
{
	uint32_t const *i = names_find(&s->index, base, len);
	return i && *i < s->count ? s->m + *i : 0;
}

void
source_set_keys(struct source *s, struct source_message *m, char const *keys, size_t len)
{
	if (len && !memchr(keys, '\n', len))
		m->keys = keep_text(s, keys, len);
}

static void
take_line(void *arg, struct uidlist_line const *l)
{
	struct source *s = arg;
	struct source_message *m = source_find(s, l->base, l->base_len);
	if (!m)
		return;
	m->uid = l->uid; /* of two lines the last counts */
	source_set_keys(s, m, l->keys, l->keys_len);
}

static void
take_set(void *arg, char const *base, size_t len, struct keyword_set const *beyond)
{
	struct source *s = arg;
	struct source_message *m = source_find(s, base, len);
	if (!m)
		return;
	m->set.bits[0] = (m->set.bits[0] & KEYWORD_LETTER_BITS) | beyond->bits[0];
	m->set.bits[1] = beyond->bits[1];
}

static int
read_side_files(struct source *s, char const *root, enum source_kind kind)
{
	if (kind != SOURCE_COURIER) {
		if (uidlist_scan(&s->uidlist, s->fd_dir, "dovecot-uidlist", take_line, s) < 0 &&
		    errno != EINVAL)
			return -1;
		if (keywords_read(&s->keywords, s->fd_dir, take_set, s) < 0)
			return -1;
		if (s->uidlist.validity || kind == SOURCE_DOVECOT)
			return 0;
	}
	if (uidlist_scan(&s->uidlist, s->fd_dir, "courierimapuiddb", take_line, s) < 0 &&
	    errno != EINVAL)
		return -1;
	return courier_keywords(s) < 0 || (root && courier_uidls(s, root) < 0) ? -1 : 0;
}

static int
by_uid(void const *a, void const *b, void *arg)
{
	struct source_message const *x = a, *y = b;
	struct source const *s = arg;
	if (x->uid != y->uid)
		return x->uid - 1 < y->uid - 1 ? -1 : 1; /* 0, none, is last */
	return name_order(source_file(s, x), x->base_len, source_file(s, y), y->base_len);
}

/* The list in order; the map leads to the new places. */
static void
sort(struct source *s)
{
	if (s->count)
		qsort_r(s->m, s->count, sizeof *s->m, by_uid, s);
	for (size_t i = 0; i < s->count; i++)
		*names_find(&s->index, source_file(s, s->m + i), s->m[i].base_len) = (uint32_t)i;
	s->complete = 1;
}

int
source_open(struct source *s, char const *dir, char const *root, enum source_kind kind)
{
	*s = (struct source){.dir = dir,
	    .fd_cur = -1,
	    .fd_new = -1,
	    .uidlist = UIDLIST_ZERO,
	    .keywords = KEYWORDS_ZERO,
	    .index = NAMES_ZERO,
	    .letters = kind != SOURCE_COURIER};
	s->fd_dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->fd_dir < 0)
		return -1;
	keep_text(s, "", 0); /* place 0 is nothing */
	s->fd_new = layout_sub(s->fd_dir, "new");
	s->fd_cur = layout_sub(s->fd_dir, "cur");
	if ((s->fd_new < 0 || s->fd_cur < 0) && errno != ENOENT)
		return -1;
	if (read_stable(s) < 0 || read_side_files(s, root, kind) < 0)
		return -1;
	sort(s);
	return 0;
}

void
source_close(struct source *s)
{
	int const fds[] = {s->fd_dir, s->fd_cur, s->fd_new};
	int e = errno;
	for (unsigned int i = 0; i < sizeof fds / sizeof *fds; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	uidlist_close(&s->uidlist);
	keywords_free(&s->keywords);
	names_free(&s->index);
	stralloc_free(&s->text);
	free(s->m);
	errno = e;
}

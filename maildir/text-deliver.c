#include "maildir/text-deliver.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/header.h"
#include "lib/imap-text.h"
#include "lib/sa.h"
#include "maildir/index.h"
#include "maildir/lock.h"
#include "maildir/name.h"
#include "maildir/text.h"

#define READ_MAX 131072 /* octets of a message that are read rather than mapped */

static int
has_index(int fd_dir, char const *path)
{
	struct stat st;
	return !fstatat(fd_dir, path, &st, 0) && S_ISREG(st.st_mode);
}

int
text_wanted(char const *dir)
{
	stralloc path = STRALLOC_ZERO;
	int const e = errno;
	sa_cats(&path, dir);
	sa_cats(&path, "/" INDEX_NAME);
	int const wanted = has_index(AT_FDCWD, sa_str(&path));
	stralloc_free(&path);
	errno = e;
	return wanted;
}

/* The first n octets of a message. Most are short: to read them costs less than to map them. */
static char *
content_get(int fd, size_t n)
{
	if (n > READ_MAX) {
		char *const map = mmap(0, n, PROT_READ, MAP_PRIVATE, fd, 0);
		return map == MAP_FAILED ? 0 : map;
	}
	char *const s = xmalloc(n);
	if (pread(fd, s, n, 0) == (ssize_t)n)
		return s;
	free(s);
	return 0;
}

static void
content_free(char *s, size_t n)
{
	if (n > READ_MAX)
		munmap(s, n);
	else
		free(s);
}

int
text_make(stralloc *entry, char const *file, int fd, uint64_t size, charset_open_fn *otherwise)
{
	struct name name;
	struct arena a = ARENA_ZERO;
	struct message_texts texts;
	int const whole = size <= MAILDIR_TEXT_MESSAGE;
	size_t const n = whole ? (size_t)size : IMAP_HEADER_MAX + 1;
	if (!n || !name_parse(&name, file, strlen(file)))
		return -1;
	char *const msg = content_get(fd, n);
	if (!msg)
		return -1;
	message_texts_make_by(
	    &texts, &a, msg, n, header_len(msg, n), whole ? TEXT_ALL : TEXT_FROM_HEADER, otherwise);
	text_format(entry, file, name.base_len, &texts);
	arena_free(&a);
	content_free(msg, n);
	return 0;
}

static void
append(int fd_dir, stralloc const *entry)
{
	struct lock lock;
	struct text_file t = TEXT_FILE_ZERO;
	uint64_t offset;
	if (lock_take(&lock, fd_dir, 0) < 0)
		return;
	/* To find the end of what is whole in a long file is work for who reads it. */
	if (text_open(&t, fd_dir) >= 0 && text_tail_whole(&t))
		(void)text_append(&t, fd_dir, entry->s, entry->len, &offset);
	text_close(&t);
	lock_release(&lock);
}

void
text_batch_flush(struct text_batch *b)
{
	if (!text_batch_waits(b))
		return;
	int const e = errno, fd_dir = open(b->dir.s, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd_dir >= 0 && has_index(fd_dir, INDEX_NAME))
		append(fd_dir, &b->entries);
	if (fd_dir >= 0)
		close(fd_dir);
	b->entries.len = 0;
	errno = e;
}

void
text_batch_add(struct text_batch *b, char const *dir, char const *file, int fd, uint64_t size,
    charset_open_fn *otherwise)
{
	int const e = errno;
	if (!b->dir.s || strcmp(b->dir.s, dir)) {
		text_batch_flush(b);
		sa_copys(&b->dir, dir);
		sa_0(&b->dir);
	}
	(void)text_make(&b->entries, file, fd, size, otherwise);
	if (b->entries.len > TEXT_BATCH_MAX)
		text_batch_flush(b);
	errno = e;
}

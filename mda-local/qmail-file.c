#include "mda-local/qmail-file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/ascii.h"
#include "lib/pread-all.h"
#include "lib/sa.h"
#include "mda-local/limits.h"

static char const prefix[] = ".qmail";

/* .qmail-ext: letters in lower case, and dots as colons, so that no name leads out of here. */
static void
put_name(stralloc *name, char const *ext, size_t n)
{
	sa_copys(name, prefix);
	if (*ext)
		sa_append(name, '-');
	for (size_t i = 0; i < n; i++) {
		char const c = ext[i];
		sa_append(name, c == '.' ? ':' : c >= 'A' && c <= 'Z' ? (char)(c + 32) : c);
	}
	sa_str(name);
}

static enum reply
read_text(struct qmail_file *f, int fd, char const **why)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return REPLY_RULES_UNREADABLE;
	if (!S_ISREG(st.st_mode))
		return REPLY_NO_USER;
	*why = "rules file can be written by others";
	if (st.st_mode & S_IWOTH)
		return REPLY_RULES;
	*why = "rules file is too long";
	if (st.st_size > MDA_QMAIL_SIZE)
		return REPLY_RULES;
	*why = 0;
	f->forward_only = (st.st_mode & S_IXUSR) != 0;
	sa_reset(&f->text);
	sa_room(&f->text, (size_t)st.st_size);
	ssize_t const n = pread_all(fd, f->text.s, (size_t)st.st_size, 0);
	f->text.len = n < 0 ? 0 : (size_t)n;
	return n < 0 ? REPLY_RULES_UNREADABLE : REPLY_NONE;
}

/* The file f->name: as qmail_file_find. */
static enum reply
try(struct qmail_file *f, char const **why)
{
	int const fd = open(f->name.s, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG
			   ? REPLY_NO_USER
			   : REPLY_RULES_UNREADABLE;
	enum reply const r = read_text(f, fd, why);
	int const e = errno;
	close(fd);
	errno = e;
	return r;
}

/* Nobody else may put rules here, and a sticky home says that its owner is changing them. */
static enum reply
check_home(char const **why)
{
	struct stat st;
	if (stat(".", &st) < 0)
		return REPLY_RULES_UNREADABLE;
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		*why = "home directory can be written by others";
	else if (st.st_mode & S_ISVTX)
		*why = "home directory is sticky, its rules are being changed";
	return *why ? REPLY_RULES : REPLY_NONE;
}

enum reply
qmail_file_find(struct qmail_file *f, char const *ext, char const **why)
{
	*why = 0;
	f->rest = 0;
	enum reply r = check_home(why);
	if (r)
		return r;
	put_name(&f->name, ext, strlen(ext));
	r = try(f, why);
	for (size_t i = strlen(ext); r == REPLY_NO_USER && *ext; i--) {
		if (!i || ext[i - 1] == '-') {
			put_name(&f->name, ext, i);
			sa_cats(&f->name, "default");
			sa_str(&f->name);
			f->rest = ext + i;
			r = try(f, why);
		}
		if (!i)
			break;
	}
	return r;
}

int
qmail_file_exists(char const *ext, char const *behind)
{
	stralloc name = STRALLOC_ZERO;
	struct stat st;
	put_name(&name, ext, strlen(ext));
	sa_cats(&name, behind);
	int const r = stat(sa_str(&name), &st);
	stralloc_free(&name);
	if (r < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG ? 0 : -1;
	return S_ISREG(st.st_mode);
}

int
qmail_file_any(char const *home)
{
	DIR *d = opendir(home);
	struct dirent const *e;
	int found = 0;
	if (!d)
		return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? 0 : -1;
	errno = 0;
	while (!found && (e = readdir(d)))
		found = !strncmp(e->d_name, prefix, sizeof prefix - 1) &&
			(!e->d_name[sizeof prefix - 1] || e->d_name[sizeof prefix - 1] == '-');
	int const bad = !found && errno;
	closedir(d);
	return bad ? -1 : found;
}

void
qmail_file_free(struct qmail_file *f)
{
	stralloc_free(&f->name);
	stralloc_free(&f->text);
}

/* A Maildir of its own for each test, removed at the end. */
#ifndef TESTS_MAILDIR_DIR_H
#define TESTS_MAILDIR_DIR_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/skalibs-compat.h"
#include "maildir/deliver.h"
#include "maildir/folder.h"
#include "maildir/tree.h"

static char dir_path[200];

__attribute__((unused)) static void
dir_remove(void)
{
	rm_rf(dir_path);
}

/* Makes the root; its path is dir_path. */
__attribute__((unused)) static void
dir_make(void)
{
	char const *tmp = getenv("TMPDIR");
	snprintf(dir_path, sizeof dir_path, "%s/maildir-test.XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(dir_path)) {
		perror(dir_path);
		exit(111);
	}
	atexit(dir_remove);
}

/* root/relative, in one of four buffers. */
__attribute__((unused, format(printf, 1, 2))) static char const *
dir_at(char const *fmt, ...)
{
	static char buf[4][600];
	static int which;
	char *s = buf[which++ & 3];
	int n = snprintf(s, 300, "%s/", dir_path);
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(s + n, 600 - (size_t)n, fmt, ap);
	va_end(ap);
	return s;
}

__attribute__((unused)) static void
dir_write(char const *relative, char const *text)
{
	FILE *f = fopen(dir_at("%s", relative), "w");
	if (!f || fputs(text, f) < 0 || fclose(f)) {
		perror(relative);
		exit(111);
	}
}

/* The file's text, in a static buffer; "" if there is none. */
__attribute__((unused)) static char const *
dir_read(char const *relative)
{
	static char buf[20000];
	FILE *f = fopen(dir_at("%s", relative), "r");
	size_t n = f ? fread(buf, 1, sizeof buf - 1, f) : 0;
	buf[n] = 0;
	if (f)
		fclose(f);
	return buf;
}

__attribute__((unused)) static int
dir_exists(char const *relative)
{
	return !access(dir_at("%s", relative), F_OK);
}

/* The number of files in a directory, and the name of the first by octets. */
__attribute__((unused)) static int
dir_files(char const *relative, char *first)
{
	DIR *d = opendir(dir_at("%s", relative));
	int n = 0;
	if (first)
		*first = 0;
	for (struct dirent *e; d && (e = readdir(d));) {
		if (e->d_name[0] == '.')
			continue;
		if (first && (!n || strcmp(e->d_name, first) < 0))
			strcpy(first, e->d_name);
		n++;
	}
	if (d)
		closedir(d);
	return n;
}

/* Delivers a text into a folder's directory. */
__attribute__((unused)) static int
dir_deliver(char const *dir, char const *text)
{
	struct delivery d;
	struct delivery_copy c = {.dir = dir};
	int r = delivery_begin(&d, dir) < 0 || delivery_write(&d, text, strlen(text)) < 0 ||
			delivery_commit(&d, &c, 1, 0) < 0
		    ? -1
		    : 0;
	delivery_abort(&d);
	return r;
}

#endif

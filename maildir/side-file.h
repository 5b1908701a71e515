/* A small text file at a Maildir's root that is always replaced whole: read, changed under a lock
 * of its own, written durably; whoever waits for changes there (maildir/watch.h) is woken. */
#ifndef POSTERN_MAILDIR_SIDE_FILE_H
#define POSTERN_MAILDIR_SIDE_FILE_H

#include <stddef.h>
#include <skalibs/stralloc.h>

/* The content, appended. 1, 0 there is no such file, -1 (EFBIG: longer than max). */
int side_file_read(char const *root, char const *name, size_t max, stralloc *content);

/* Makes the new content from the old one (empty if there is no file, then exists is 0). 1 write it,
 * 0 leave the file, -1 errno. */
typedef int side_file_fn(void *arg, stralloc const *old, int exists, stralloc *fresh);
/* 0 or -1 (ETIMEDOUT: the lock). */
int side_file_change(char const *root, char const *name, size_t max, side_file_fn *fn, void *arg);

#endif

/* The directories of one folder: DIR/cur, DIR/new, DIR/tmp, and DIR/maildirfolder where DIR is not
 * the root. */
#ifndef POSTERN_MAILDIR_LAYOUT_H
#define POSTERN_MAILDIR_LAYOUT_H

#include <stddef.h>
#include <sys/types.h>

/* Opens the folder's directory; what is missing in it is made, mode 0700 and durable; so is dir
 * itself if `make` and its parent exists. The descriptor, or -1 with errno. */
int layout_open(char const *dir, int make);
/* A directory in it, for reading. The descriptor or -1. */
int layout_sub(int fd_dir, char const *name);
/* durable_replace by way of tmp/, which is where what a killed process leaves is removed from. */
int layout_replace(int fd_dir, char const *name, char const *content, size_t len, mode_t mode);
/* 1 if dir looks like a folder (has cur/), 0 if not, -1 error. */
int layout_exists(char const *dir);

#endif

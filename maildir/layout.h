/* The directories of one folder: DIR/cur, DIR/new, DIR/tmp, and DIR/maildirfolder where DIR is not
 * the root. */
#ifndef POSTERN_MAILDIR_LAYOUT_H
#define POSTERN_MAILDIR_LAYOUT_H

#include <dirent.h>
#include <stddef.h>
#include <sys/types.h>

/* Opens the folder's directory; what is missing in it is made, mode 0700 and durable; so is dir
 * itself if `make` and its parent exists. The descriptor, or -1 with errno. */
int layout_open(char const *dir, int make);
/* A directory in it, for reading. The descriptor or -1. */
int layout_sub(int fd_dir, char const *name);
/* The same by the folder's path. */
int layout_sub_of(char const *dir, char const *name);
/* The same as a stream, for closedir; dirfd gives its descriptor. Null with errno. */
DIR *layout_read(int fd_dir, char const *name);
/* durable_replace by way of tmp/, which is where what a killed process leaves is removed from. */
int layout_replace(int fd_dir, char const *name, char const *content, size_t len, mode_t mode);
/* A new file in fd_dir, by open's further flags; O_EXCL is up to the caller. Its mode is 0600, in a
 * directory that layout_share has opened to the group 0660. The descriptor or -1. */
int layout_create(int fd_dir, char const *name, int flags);
/* 0660 in such a directory, else 0600. */
mode_t layout_mode(int fd_dir);
/* Opens a folder to the group of its owner (2770, its files 0660), or closes it (0700). 0 or -1. */
int layout_share(char const *dir, int open_to_group);
/* 1 if dir looks like a folder (has cur/), 0 if not, -1 error. */
int layout_exists(char const *dir);

#endif

/* The directories of a Maildir, whatever their names and however much of them is left. */
#ifndef POSTERN_MAILDIR_TOOL_FOLDERS_H
#define POSTERN_MAILDIR_TOOL_FOLDERS_H

/* Calls fn for the root (entry "") and for each directory there that is a folder: it has cur/, new/
 * or a maildirfolder. name is what clients call it; null: its directory's name is neither modified
 * UTF-7 nor UTF-8, so that no client can be told of it. 0 or -1. */
typedef void folder_fn(void *arg, char const *entry, char const *name);
int folders_each(char const *root, folder_fn *fn, void *arg);

#endif

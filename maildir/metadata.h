/* postern-metadata at a Maildir's root: key and value per folder (RFC 5464's entries; special-use
 * is one of them). The empty folder name stands for the server's own entries. Format: doc/store.md.
 */
#ifndef POSTERN_MAILDIR_METADATA_H
#define POSTERN_MAILDIR_METADATA_H

#include "maildir/tree.h"

#define METADATA_SPECIAL_USE "/private/specialuse"

/* value: the entry's octets appended. 1, 0 not there, -1. */
int metadata_get(struct maildir_tree const *t, char const *name, char const *key, stralloc *value);
/* value null: removes the entry. Durable. 0 or -1: EFBIG, ETIMEDOUT, EINVAL, … */
int metadata_set(
    struct maildir_tree const *t, char const *name, char const *key, char const *value, size_t len);
/* Every entry with this key (null: all); stops when fn returns non-zero and returns that. 0, -1. */
typedef int metadata_fn(
    void *arg, char const *name, char const *key, char const *value, size_t len);
int metadata_each(struct maildir_tree const *t, char const *key, metadata_fn *fn, void *arg);
/* Called by tree_delete and tree_rename: entries of the folder and, for a rename, of all below it.
 * to null: removed. */
int metadata_moved(struct maildir_tree const *t, char const *from, char const *to);

/* SPECIAL-USE (RFC 6154): "\\Drafts", "\\Sent \\Important", … blank-separated, as LIST gives them.
 */
int special_use_get(struct maildir_tree const *t, char const *name, stralloc *uses);
/* EINVAL: not one of RFC 6154's and 8457's attributes. */
int special_use_set(struct maildir_tree const *t, char const *name, char const *uses);
/* The folder with this use ("\\Sent"): 1 and its name appended, 0 none, -1. */
int special_use_find(struct maildir_tree const *t, char const *use, stralloc *name);

#endif

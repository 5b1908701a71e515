/* postern-metadata: keys and values of folders (RFC 5464's entries; special-use is one of them). What
 * begins with /shared/ is in the folder's own directory, so that whoever shares it has it; all else
 * at the Maildir's root, where a user's private entries of other users' folders are, too. The empty
 * folder name stands for the server's own entries. Format: doc/store.md. */
#ifndef POSTERN_MAILDIR_METADATA_H
#define POSTERN_MAILDIR_METADATA_H

#include "maildir/tree.h"

#define METADATA_SPECIAL_USE "/private/specialuse"

/* value: the entry's octets appended. 1, 0 not there, -1. */
int metadata_get(struct maildir_tree const *t, char const *name, char const *key, stralloc *value);
/* value null: removes the entry. Durable. 0 or -1: EFBIG, ETIMEDOUT, EINVAL, … */
int metadata_set(
    struct maildir_tree const *t, char const *name, char const *key, char const *value, size_t len);
/* Several of one folder, all or none: 0, or -1 as metadata_set; EMLINK: more than
 * MAILDIR_METADATA_ENTRIES. really 0: nothing is changed, only asked. All keys are of one kind,
 * /shared/ or not; the tree of the former is the owner's, of the latter the user's own. */
struct metadata_item {
	char const *key, *value; /* value null: removes the entry */
	size_t len;
};
int metadata_change(struct maildir_tree const *t, char const *name,
    struct metadata_item const *item, size_t count, int really);
/* Every entry of one folder of one kind. As metadata_each. */
typedef int metadata_fn(
    void *arg, char const *name, char const *key, char const *value, size_t len);
int metadata_of(
    struct maildir_tree const *t, char const *name, int shared, metadata_fn *fn, void *arg);
/* Every entry of the root's file with this key (null: all); stops when fn returns non-zero and
 * returns that. 0, -1. */
int metadata_each(struct maildir_tree const *t, char const *key, metadata_fn *fn, void *arg);
/* Called by tree_delete and tree_rename: entries of the folder and, for a rename, of all below it.
 * to null: removed. */
int metadata_moved(struct maildir_tree const *t, char const *from, char const *to);

/* ---- special-use.c ---- */
/* SPECIAL-USE (RFC 6154): "\\Drafts", "\\Sent \\Important", … blank-separated, as LIST gives them.
 */
int special_use_get(struct maildir_tree const *t, char const *name, stralloc *uses);
int special_use_valid(char const *uses);
/* EINVAL: not one of RFC 6154's and 8457's attributes. */
int special_use_set(struct maildir_tree const *t, char const *name, char const *uses);
/* The folder with this use ("\\Sent"): 1 and its name appended, 0 none, -1. */
int special_use_find(struct maildir_tree const *t, char const *use, stralloc *name);

#endif

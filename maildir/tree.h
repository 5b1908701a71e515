/* The folders of a Maildir++: INBOX is the root, every other folder a directory ".A.B" in it. Names
 * here are UTF-8, as a client means them: prefix + parts joined by the separator. On disk the parts
 * are in modified UTF-7 (RFC 3501 5.1.3); directories in plain UTF-8, as Courier 5 makes them, are
 * understood. */
#ifndef POSTERN_MAILDIR_TREE_H
#define POSTERN_MAILDIR_TREE_H

#include <stddef.h>
#include <skalibs/stralloc.h>

struct quota;

struct maildir_tree {
	char const *root; /* the Maildir, without a slash at its end; the caller's, lives as long as
			     the tree */
	char const *prefix;	  /* "" or "INBOX." (with the separator in use at its end) */
	char separator;		  /* '.' or '/' */
	unsigned int folders_max; /* 0: MAILDIR_FOLDERS */
	/* Of a tree that another user shares: rights that this session lacks in the folder meant
	 * (maildir/acl.h). What opens a folder or begins a transfer with it, and all that is done
	 * then, keeps to that: EACCES. */
	unsigned int denied;
	/* "Other Users" and the separator: what begins so is never below the prefix, and kept in
	 * subscriptions and metadata as it is. Null: there is no such namespace. */
	char const *others;
	struct quota const *quota; /* its rules; null: none is known */
};
/* tree->root set, the rest as by default (separator '.', no prefix). */
/* clang-format off */
#define TREE_DEFAULT(root) {(root), "", '.', 0, 0, 0, 0}
/* clang-format on */

enum tree_flag {
	TREE_NOSELECT = 1, /* only its children exist */
	TREE_CHILDREN = 2, /* \HasChildren; otherwise \HasNoChildren */
	TREE_NEW = 4	   /* something lies in its new/: \Marked */
};
struct tree_folder {
	char *name;	    /* UTF-8; INBOX is "INBOX" */
	unsigned int flags; /* enum tree_flag */
};
struct tree_list {
	struct tree_folder
	    *folder; /* INBOX first, then sorted by octets with the separator lowest */
	size_t count;
};

/* Every folder, and every name that only leads to others (TREE_NOSELECT). The prefix itself
 * ("INBOX" of "INBOX.") is no extra name. 0 or -1; tree_list_free after both. */
int tree_list(struct maildir_tree const *t, struct tree_list *list);
/* Something lies in the new/ of this directory (TREE_NEW). */
int tree_has_new(char const *dir);
void tree_list_free(struct tree_list *list);

/* Is this a name that a folder may have? 0, or -1 with errno: EINVAL (empty part, "..", slash or a
 * dot that the disk cannot hold, control character, not UTF-8, outside the prefix), ENAMETOOLONG.
 * INBOX in any case is INBOX, also as the first part of the prefix. A separator at the end is
 * dropped (RFC 3501 6.3.3). */
int tree_valid(struct maildir_tree const *t, char const *name);
/* The directory of an existing or new folder, as a C string in path. 1 it exists, 0 it does not
 * (path is where it would be), -1 bad name or error. */
int tree_dir(struct maildir_tree const *t, char const *name, stralloc *path);

/* All durable. 0 or -1 with errno: EEXIST, ENOENT, EINVAL, ENAMETOOLONG, EMLINK (too many folders),
 * … */
/* Makes the folder; parents need not exist and are not made. */
int tree_create(struct maildir_tree const *t, char const *name);
/* Makes the root with cur/, new/ and tmp/ if it is not there. */
int tree_create_inbox(struct maildir_tree const *t);
/* Removes the folder and its messages; children stay. INBOX: EPERM. ENOENT for a TREE_NOSELECT
 * name. */
int tree_delete(struct maildir_tree const *t, char const *name);
/* Renames the folder and all below it. INBOX: its messages move into the new folder, which is made,
 * and its children stay (RFC 3501 6.3.5). ENOENT if neither the folder nor one below it exists. */
int tree_rename(struct maildir_tree const *t, char const *from, char const *to);
/* Waits, up to MAILDIR_RENAME_WAIT seconds, until no rename of ours is under way: who compares
 * lists of names would see half of one. None begins until the descriptor is closed. -1: it cannot
 * be had (no flock here, or somebody was stopped amid a rename). */
int tree_still(struct maildir_tree const *t);

/* ---- for the side files of a Maildir (subscriptions, metadata) ---- */
/* The name on disk: "INBOX", or the parts in modified UTF-7 joined by dots, without the first dot.
 * Appended. 0, or -1 as tree_valid. */
int tree_disk_name(struct maildir_tree const *t, char const *name, stralloc *disk);
/* The same; raw: parts stay in UTF-8, as Courier 5 has them. */
int tree_name_forms(struct maildir_tree const *t, char const *name, int raw, stralloc *disk);
/* Back: the client's name of disk[0..len), from modified UTF-7 or UTF-8. Appended. 0, or -1 EINVAL.
 */
int tree_client_name(struct maildir_tree const *t, char const *disk, size_t len, stralloc *name);

#endif

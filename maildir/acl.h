/* Who may do what in a folder: the file dovecot-acl in its directory, as Dovecot writes it, a line
 * "IDENTIFIER RIGHTS" each ("user=bob@example.org lrwst", "-anyone a"). The owner has all rights in
 * any case. doc/sharing.md says how others come to theirs. */
#ifndef POSTERN_MAILDIR_ACL_H
#define POSTERN_MAILDIR_ACL_H

#include <skalibs/stralloc.h>

#include "maildir/tree.h"

/* RFC 4314 2.1. */
enum right {
	RIGHT_LOOKUP = 1,    /* l */
	RIGHT_READ = 2,	     /* r */
	RIGHT_WRITE = 4,     /* w */
	RIGHT_SEEN = 8,	     /* s */
	RIGHT_DELETED = 16,  /* t */
	RIGHT_INSERT = 32,   /* i */
	RIGHT_POST = 64,     /* p */
	RIGHT_EXPUNGE = 128, /* e */
	RIGHT_CREATE = 256,  /* k */
	RIGHT_DELETE = 512,  /* x */
	RIGHT_ADMIN = 1024,  /* a */
};
#define RIGHTS_ALL 2047u
/* What others than the owner can be granted: making, removing and sharing folders means to write in
 * the owner's Maildir itself. */
#define RIGHTS_OTHERS 255u
/* Rights to change flags that others see. */
#define RIGHTS_FLAGS ((unsigned int)(RIGHT_WRITE | RIGHT_SEEN | RIGHT_DELETED))
/* Each of them, with RIGHT_LOOKUP, is enough to see a mailbox's entries (RFC 5464 3.3). */
#define RIGHTS_ENTRIES ((unsigned int)(RIGHT_READ | RIGHT_INSERT | RIGHT_POST) | RIGHTS_FLAGS)

#define ACL_FILE "dovecot-acl"
#define SHARED_FILE "postern-shared"

struct acl_entry {
	char *id; /* as in the file, without the dash: "user=bob@example.org", "anyone" */
	int negative;
	unsigned int rights;
};
struct acl {
	struct acl_entry *entry;
	size_t count;
};
/* clang-format off */
#define ACL_ZERO {0, 0}
/* clang-format on */

/* The folder's entries; none if there is no file. 0 or -1 (ENOENT: no such folder); free after
 * both. */
int acl_read(struct maildir_tree const *t, char const *name, struct acl *a);
void acl_free(struct acl *a);
/* What a user other than the owner may do: the rights of the entry that names the user, else of
 * "authenticated", else of "anyone"; less those of every negative entry that applies. */
unsigned int acl_rights(struct acl const *a, char const *user);
/* Sets the rights of one identifier, 0 removes its line. Durable; others who have rights then find
 * the directory and its files open to the owner's group, as long as they do. 0 or -1: EMLINK
 * (MAILDIR_ACL), ETIMEDOUT, ... */
int acl_set(struct maildir_tree const *t, char const *name, char const *id, int negative,
    unsigned int rights);

/* Writes SHARED_FILE at the owner's root anew: who is named by the ACL of which folder, a line
 * "IDENTIFIER TAB FOLDER" each (the folder as on disk without its first dot). auth-file reads it at
 * the login of others. 0 or -1. */
int acl_publish(struct maildir_tree const *t);
/* Is there such a file? */
int acl_named(struct maildir_tree const *t);

/* Of these flags (enum message_flag) those that may be changed where `denied` rights are missing: s
 * is for \Seen, t for \Deleted, w for all others (RFC 4314 section 4). */
unsigned int acl_flags(unsigned int denied, unsigned int flags);

/* Letters to rights, -1 if one is none; c and d as RFC 4314 2.1.1 has them (c = kx, d = te). */
int acl_parse(char const *letters, unsigned int *rights);
/* Letters in the order of the RFC, virtual: with c and d (2.1.1). Appended. */
void acl_put(stralloc *out, unsigned int rights, int virtual_too);

#endif

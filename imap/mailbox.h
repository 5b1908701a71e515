/* Mailbox names between the wire (modified UTF-7, RFC 3501 5.1.3; UTF-8 for a client that has
 * enabled that, RFC 6855 section 3 and RFC 9051 5.1) and the store (UTF-8). */
#ifndef POSTERN_IMAP_MAILBOX_H
#define POSTERN_IMAP_MAILBOX_H

#include <skalibs/stralloc.h>

#include "imap/session.h"
#include "maildir/acl.h"

/* A mailbox name: *name gets it in UTF-8, or null if no mailbox can have it (the handler answers
 * REPLY_NAME once the command is read). 0 only on a syntax error. */
int mailbox_parse(struct parse *p, char const **name);
/* The same for a mailbox that shall be made: a UTF-8 name that is not in NFC is none (RFC
 * 9051 6.3.4, RFC 5198 section 2). */
int mailbox_parse_new(struct parse *p, char const **name);
/* Appends the name as the wire has it, without quotes. */
void mailbox_wire(struct session const *s, stralloc *out, char const *name, size_t len);
/* Appends such a wire name as an astring; the name of the store as one. */
void mailbox_astring(struct session const *s, stralloc *out, char const *wire, size_t len);
void mailbox_put(struct session const *s, stralloc *out, char const *name);
/* The one form of a name that can be written in several ways (a separator behind it, "inbox" as its
 * first part), in the command's arena; a name that no mailbox can have as it is. */
char const *mailbox_canonical(struct session *s, char const *name);
/* The tree to open, fill or read this mailbox with: the user's own, or that of another who shares
 * it, which then keeps to the rights (tree->denied). Never null; good until the next call. */
struct maildir_tree const *mailbox_tree(struct session *s, char const *name);
/* 0 if it is one of the other users' namespace. */
int mailbox_is_own(struct session const *s, char const *name);
/* What this user may do with the mailbox, enum right; 0 also if there is no such mailbox of another
 * user. In the own namespace all. */
unsigned int mailbox_rights(struct session *s, char const *name);
static inline int
mailbox_may(struct session *s, char const *name, unsigned int rights)
{
	return (mailbox_rights(s, name) & rights) == rights;
}
/* The tagged reply where a right is missing: that there is no such mailbox, to one who may not even
 * know of it (RFC 4314 section 6). */
char const *mailbox_refused(struct session *s, char const *name);
/* The quota that counts what goes there; null: none of this user's, or a rule leaves
 * the mailbox uncounted. */
struct quota *mailbox_quota(struct session *s, char const *name);
/* Messages have arrived there by this session: tells NOTIFY, and the user how full it is now. */
void mailbox_arrived(struct session *s, char const *name, uint32_t const *uid, size_t count);
/* The name, in that form, is the selected mailbox's. */
int mailbox_is_selected(struct session const *s, char const *name);

#endif

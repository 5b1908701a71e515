/* LIST and LSUB: which names there are, which are meant, and what is said of them. */
#ifndef POSTERN_IMAP_LIST_H
#define POSTERN_IMAP_LIST_H

#include "imap/session.h"

/* One name. All names a listing is about, with every name above them, in the order of their keys.
 */
struct list_entry {
	char const *name; /* UTF-8 */
	char const *wire; /* imap/mailbox.h; what patterns are matched with */
	char const *key;  /* wire with the separator as \1: children follow their parent */
	char const *uses; /* special uses, blank-separated; null for none */
	int exists;	  /* as a mailbox that can be selected */
	int known;	  /* to the store: a mailbox, or a name above one */
	int children;
	int fresh; /* something lies in its new/ */
	int subscribed;
	int chosen; /* meets the selection options */
};
struct list {
	struct list_entry *entry;
	size_t count;
};

enum { LIST_TREE = 1, LIST_SUBSCRIPTIONS = 2, LIST_USES = 4 };
/* Collects the entries from what `from` names; in the command's arena. 0 or -1 (errno). */
int list_collect(struct session *s, unsigned int from, struct list *l);

/* LIST of the selected mailbox (RFC 9051 6.3.2). */
void list_tell_selected(struct session *s);

/* RFC 3501 6.3.8: "*" anything, "%" anything but the separator; INBOX in any case. */
int list_match(char const *pattern, char const *name, char separator);

#endif

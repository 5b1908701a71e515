/* What a .forward file says for one message: its items, each once, the files that it includes read.
 */
#ifndef POSTERN_MDA_LOCAL_FORWARD_LIST_H
#define POSTERN_MDA_LOCAL_FORWARD_LIST_H

#include "lib/alias-list.h"
#include "mda-local/worker.h"

enum forward_kind {
	FORWARD_MAILBOX,     /* text: a folder; "" the one that the order wishes */
	FORWARD_ADDRESS,     /* text: an address elsewhere, or of another account */
	FORWARD_DESTINATION, /* text: "|program", "/file" or "/directory/" (destination.h) */
};

struct forward_entry {
	struct forward_entry *next;
	enum forward_kind kind;
	char const *text;
	char mark[ALIAS_MARK + 1]; /* of a destination */
};

struct forward_list {
	struct arena *a;
	struct worker const *w;
	struct order const *o;
	struct forward_entry *first, **last;
	unsigned int items;
	int restricted; /* a program or file was left out, as it is not allowed */
};

/* The list of HOME/.forward+EXT, else of HOME/.forward, which is everything in a. What Postfix
 * would not follow (no regular file, another's but root's, one that everybody may write) is as if
 * it were not there, but for the log. 1; 0 there is no such file, or nothing in it: the mailbox; -1
 * with errno: it cannot be read, EBADMSG an item that cannot be used, ELOOP, E2BIG too many. */
int forward_list(
    struct forward_list *l, struct arena *a, struct worker const *w, struct order const *o);

#endif

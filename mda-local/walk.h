/* One address on its way through the tables: what resolve.c and alias.c share. */
#ifndef POSTERN_MDA_LOCAL_WALK_H
#define POSTERN_MDA_LOCAL_WALK_H

#include "mda-local/alias-user.h"
#include "mda-local/resolve.h"

/* Aliases and files being followed, innermost first. */
struct chain {
	struct chain const *up;
	char const *key;
	char const *owner;	       /* sender of what is sent on from here; null: as above */
	struct alias_user const *user; /* whose rights count from here on; null: as above */
	int included;		       /* a file: its programs need a permission of their own */
};

struct walk {
	struct resolver const *r;
	struct arena *a;
	struct targets *t;
	size_t *index, max, n;
	unsigned int steps;
	char const *only; /* the one program or file that is meant (alias_mark); null: everything */
};

/* One reading of an address: alice, or alice with folder x of alice+x. */
struct name {
	char const *local, *domain; /* lower case */
	char const *folder;
	char separator;
	int direct; /* alice+@x, alice++x@x: the mailbox itself, no alias */
	int past;   /* \alice: and no .forward */
};

/* ---- resolve.c ---- */

enum reply walk_address(struct walk *w, struct chain const *up, unsigned int depth,
    char const *local, char const *domain, char const *folder);
int walk_in_chain(struct chain const *c, char const *key);
/* local@domain, or local alone, as tables have it. */
char const *walk_key(struct arena *a, char const *local, char const *domain);
/* The same as it is written on the wire, quoted where it must be. */
char const *walk_path(struct arena *a, char const *local, char const *domain);
/* Makes it a target of this recipient. */
enum reply walk_add(struct walk *w, struct target const *t);

/* ---- alias.c: REPLY_NONE says that there is no such entry ---- */

/* What the alias `key` leads to; n: the address that was looked up. */
enum reply alias_try(struct walk *w, struct chain const *up, unsigned int depth, char const *key,
    struct name const *n);
/* What a list leads to, c being its chain. Good if one part is: what is wrong with the others is
 * logged, for the administrator to see. But who is in a file that cannot be read now is not known.
 */
enum reply alias_walk(struct walk *w, struct chain const *c, unsigned int depth, char const *list,
    size_t len, struct name const *n);
/* "|MARK|list", the address of one of the programs and files of the alias list, or behind a \ of an
 * account's .forward: sets w->only and *rest, list. Does nothing with another. */
void alias_marked(struct walk *w, char const *local, char const **rest);

#endif

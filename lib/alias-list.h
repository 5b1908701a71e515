/* Lists of destinations in sendmail's syntax, as the table aliases, the files that it includes and
 * .forward have them: aliases(5).
 *
 *     alice, bob@example.org           addresses (RFC 822 6), between commas, blanks or line ends
 *     Name <x@example.org> (comment)   what stands around an address does not count
 *     \alice                           the mailbox, past aliases and .forward
 *     |program or "|program with, commas"
 *     /file/name                       a mailbox file; /directory/ a Maildir
 *     :include:/file                   what that file lists
 *
 * Anything with blanks or commas in it may stand in "quotes", where \ takes the next octet as it
 * is. A program without quotes ends at the next comma or line end. A line that begins with # is a
 * comment. */
#ifndef POSTERN_ALIAS_LIST_H
#define POSTERN_ALIAS_LIST_H

#include <stddef.h>

#include "lib/arena.h"

enum alias_kind {
	ALIAS_ADDRESS,
	ALIAS_PROGRAM, /* text: what the shell gets */
	ALIAS_FILE,    /* text: its path, from / on */
	ALIAS_MAILDIR, /* the same, with the / at its end */
	ALIAS_INCLUDE, /* text: the file's name as it stands */
	ALIAS_BAD      /* nothing that one could deliver to */
};

struct alias_item {
	enum alias_kind kind;
	char const *text;   /* an address: its local part, unquoted; ALIAS_BAD: as it was written */
	char const *domain; /* of an address; null: it has none */
	int past;	    /* an address: \ stood in front */
};

/* A position in a list. */
struct alias_list {
	char const *s, *end;
	char const *plain; /* there is no < before this */
	int line_start;
};

/* The list s[0..n), which must stay as long as it is read. */
struct alias_list alias_list(char const *s, size_t n);
/* The next item, its strings in a: 1; 0 at the end. Takes time and room by the list's length. */
int alias_next(struct alias_list *l, struct arena *a, struct alias_item *item);

/* What names a program or file in an address of its own, "|MARK|list": hexadecimal digits. */
#define ALIAS_MARK 16
void alias_mark(char out[static ALIAS_MARK + 1], struct alias_item const *item);

#endif

/* Tables: text files in the control directory, optionally compiled to NAME.cdb beside them.
 *
 * Grammar, the same for all (users, aliases, domains, routes, relay-domains, senders):
 *     key: value            the value's outer blanks are cut; "key" alone has an empty value
 *       more of the value   a line that begins with a blank goes on (joined by one blank)
 *     # comment
 * The key ends at the first colon outside "quotes"; its quotes and outer blanks are dropped, and it
 * is compared without regard to letter case (lib/table-key.h has the rule). The first line with a
 * key counts.
 *
 * NAME.cdb is used if it was compiled from the text as it is now (its empty key holds the text's
 * mtime and size); otherwise the text is read, so a hand edit holds at once. */
#ifndef POSTERN_TABLE_H
#define POSTERN_TABLE_H

#include <stddef.h>
#include <skalibs/stralloc.h>

#define TABLE_VALUE_MAX (1 << 24) /* octets of a line, and of a value with all its lines: EFBIG */

/* Looks key[0..len) up in the sources of the table (lib/lookup.h): etc/NAME, unless etc/lookup says
 * otherwise. 1 and the value (C string, len without NUL); 0 not there (or no such table); -1 and
 * errno if a source could not be read, is damaged, or does not answer: EINVAL is for the
 * administrator to repair. */
int table_find(char const *name, char const *key, size_t len, stralloc *value);

/* Calls fn for every entry of etc/NAME's text, in order; stops when it returns non-zero and returns
 * that. 0 at the end or without a table, -1 and errno on a read error. */
typedef int table_each_fn(void *arg, char const *key, size_t klen, char const *value, size_t vlen);
int table_each(char const *name, table_each_fn *fn, void *arg);

/* Compiles etc/NAME to etc/NAME.cdb, durably, with the text's mode. 0, or -1 and errno. */
int table_compile(char const *name);

#endif

/* The one form in which names are compared that people may spell in several ways. Linked with
 * IDNA's and Unicode's tables (-lidn2 -lunistring), which pure ASCII never touches. */
#ifndef POSTERN_TABLE_KEY_H
#define POSTERN_TABLE_KEY_H

#include <stddef.h>
#include <skalibs/stralloc.h>

/* Appends a local part or a name: letters in lower case, ASCII's, and in UTF-8 the others by
 * Unicode's simple mapping, composed (NFC: RFC 6532 3.1). "Straße" and "strasse" stay two names, as
 * they are two people's. What is no UTF-8 keeps its octets above 127. */
void key_fold(stralloc *out, char const *s, size_t n);
/* Appends a key of etc/TABLE: what stands before the last "@" as key_fold, a domain behind it, or
 * the whole where the table's keys are domains, in A-labels. */
void key_of_table(stralloc *out, char const *table, char const *s, size_t n);

#endif

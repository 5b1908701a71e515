/* Fields separated by tabs, with \001 before what may not stand in one, as Dovecot writes them:
 * \001 0 is NUL, \001 1 is \001, \001 t is TAB, \001 n is LF, \001 r is CR. */
#ifndef POSTERN_MAILDIR_TAB_ESCAPE_H
#define POSTERN_MAILDIR_TAB_ESCAPE_H

#include <stddef.h>
#include <skalibs/stralloc.h>

void tab_escape(stralloc *out, char const *s, size_t n);
void tab_unescape(stralloc *out, char const *s, size_t n);
/* The next field of *s up to end; *s goes behind the tab, or becomes null after the last one. 1, or
 * 0 if there is none. */
int tab_field(char const **s, char const *end, char const **field, size_t *len);

#endif

/* The text of an HTML document, for previews: no layout, no rendering. */
#ifndef POSTERN_HTML_TEXT_H
#define POSTERN_HTML_TEXT_H

#include <stddef.h>
#include <skalibs/stralloc.h>

/* Appends what s[0..n) (UTF-8) shows: no tags, no comments, nothing of style, script, title and the
 * like, nothing of a blockquote; character references resolved; an LF where a block begins or ends.
 * Any octets give a text; s may be cut off anywhere. */
void html_text(stralloc *out, char const *s, size_t n);

#endif

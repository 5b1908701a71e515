/* The text of a header field as SEARCH sees it (RFC 3501 6.4.4): unfolded, its encoded words
 * decoded, in UTF-8, tabs as blanks. */
#ifndef POSTERN_FIELD_TEXT_H
#define POSTERN_FIELD_TEXT_H

#include <skalibs/stralloc.h>

#include "lib/header.h"

/* Appends it; line is scratch. */
void field_text(stralloc *out, stralloc *line, struct header_field const *f);
/* Makes one blank of each run of blanks in out from `from` on. */
void field_text_squeeze(stralloc *out, size_t from);

#endif

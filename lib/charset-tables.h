/* The 8-bit charsets whose lower half is us-ascii. */
#ifndef POSTERN_CHARSET_TABLES_H
#define POSTERN_CHARSET_TABLES_H

#include <stdint.h>
#include <strings.h>

/* Unicode for the octets 128 to 255 of the charset with this name (any case, C string); U+FFFD
 * where it has none. Null if there is no table for it. */
uint16_t const *charset_table(char const *name);

#endif

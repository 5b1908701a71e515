/* Pieces of the messages that Sieve writes: vacation answers, notifications, replaced and enclosed
 * parts. Line ends are LF. Whatever a script gives, no more than one field comes of a field: line
 * ends and other controls in it become blanks. */
#ifndef POSTERN_SIEVE_COMPOSE_H
#define POSTERN_SIEVE_COMPOSE_H

#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>

#include "lib/header.h"

/* Characters of a field's text that are written; of a longer one the end is left out. */
#define COMPOSE_TEXT_MAX 256
/* Addresses of a field that are written. */
#define COMPOSE_ADDRESSES_MAX 100
/* Columns of a line at which is folded (RFC 5322 2.1.1), and of one that has to be encoded. */
#define COMPOSE_COLUMNS 76
#define COMPOSE_LINE_MAX 998

/* "Name: text", the text UTF-8: folded, and encoded (RFC 2047) where it is not ASCII. */
void compose_text(stralloc *out, char const *name, char const *text, size_t n);
/* The same for all of the text, whatever its length. */
void compose_field(stralloc *out, char const *name, char const *text, size_t n);
/* "Name: addresses": the list (RFC 5322 3.4) of text; names that are not ASCII are encoded. Nothing
 * if it has no good address. */
void compose_addresses(stralloc *out, char const *name, char const *text, size_t n);
/* The addresses of a path: no name, no list. */
void compose_address(stralloc *out, char const *name, char const *address);
/* Content-Type, Content-Transfer-Encoding, the empty line and the text as plain text in UTF-8, so
 * that all of it is ASCII. */
void compose_body(stralloc *out, char const *text, size_t n);
/* A MIME entity that a script gives (RFC 2045 2.4): of its header the Content-* fields, which are
 * ASCII or else left out, the empty line, its body. */
void compose_entity(stralloc *out, char const *entity, size_t n);
/* Date and a Message-ID of this host. */
void compose_date(stralloc *out, int64_t now);
void compose_id(stralloc *out, char const *host);
/* A boundary that does not occur in msg[0..n). */
void compose_boundary(stralloc *out, char const *msg, size_t n);
/* s[0..n) without its CRs before LFs. */
void compose_lf(stralloc *out, char const *s, size_t n);
/* Appends a field's text as people read it: unfolded, words decoded, UTF-8. */
void compose_read(stralloc *out, struct header_field const *f);

#endif

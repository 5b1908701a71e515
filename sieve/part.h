/* What Sieve does with the parts of a message: their text (body, RFC 5173; extracttext, RFC 5703
 * 7), a part replaced, a message enclosed (RFC 5703 5, 6). */
#ifndef POSTERN_SIEVE_PART_H
#define POSTERN_SIEVE_PART_H

#include <stddef.h>
#include <skalibs/stralloc.h>

#include "lib/arena.h"
#include "lib/charset.h"
#include "lib/mime.h"

/* Appends the body of the leaf p of the message msg, its transfer encoding undone and in UTF-8, as
 * far as `max` octets of it: for text its charset converted (what cannot be converted is U+FFFD);
 * of text/html, if `text`, what it shows (lib/html-text.h). Other types: octets as decoded, those
 * that are no UTF-8 as U+FFFD. Line ends are LF. */
void sieve_part_text(stralloc *out, struct arena *a, char const *msg, struct mime_part const *p,
    int text, charset_open_fn *charsets, size_t max);

struct sieve_part_new {
	char const *subject, *from; /* null: none given */
	char const *text;	    /* UTF-8, or with `mime` an entity with its fields */
	int mime;
};
/* The message msg[0..n) with the part p (null or the root: the whole message's body) replaced:
 * a new message in a, *len octets. */
char *sieve_part_replace(struct arena *a, char const *msg, size_t n, struct mime_part const *p,
    struct sieve_part_new const *with, size_t *len);
/* A new message whose first part is the text, and whose second is msg[0..n) as message/rfc822.
 * fields[0..count): "Name: value" lines that its header gets in addition (:headers). */
char *sieve_part_enclose(struct arena *a, char const *msg, size_t n,
    struct sieve_part_new const *with, char const *const *fields, unsigned int count, size_t *len);

#endif

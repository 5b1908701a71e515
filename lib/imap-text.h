/* What IMAP sends about a message: strings, ENVELOPE, BODY and BODYSTRUCTURE, sections.
 * Wire text, appended to a stralloc; where RFC 3501 and 9051 leave a choice of form (quoted or
 * literal, NIL or empty), it is Dovecot 2.3's, so that a cache of one is right for the other. */
#ifndef POSTERN_IMAP_TEXT_H
#define POSTERN_IMAP_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>

#include "lib/address.h"
#include "lib/arena.h"
#include "lib/header-name.h"
#include "lib/mime.h"

/* An astring's string: quoted if it can be, else a literal {n}. */
void imap_string(stralloc *out, char const *s, size_t n);
/* The same for a client that takes UTF-8 between quotes (RFC 6855 section 3, RFC 9051 4.3). */
void imap_string_utf8(stralloc *out, char const *s, size_t n);
/* An astring: an atom where possible (RFC 3501 section 9), else imap_string. */
void imap_astring(stralloc *out, char const *s, size_t n);

/* A nstring from a C string, NIL for null; a field's text, unfolded, NIL where start is null. */
void imap_nstring(stralloc *out, char const *s);
void imap_field(stralloc *out, struct header_field const *f);

/* Octets of a header that ENVELOPE is made of; in BODYSTRUCTURE, of all inner messages' headers
 * together. Fields behind are as if they were not there: memory does not grow with the message. */
#define IMAP_HEADER_MAX ((size_t)1 << 20)

/* ENVELOPE's value (RFC 3501 7.4.2) of the header in header[0..n). */
void imap_envelope(stralloc *out, struct arena *a, char const *header, size_t n);

/* The same for who reads the fields one by one: each is given to envelope_field (others than
 * ENVELOPE's are ignored); addresses live in a, texts in the message. Begin with zeros. */
#define ENVELOPE_FIRST HEADER_DATE
#define ENVELOPE_LAST HEADER_MESSAGE_ID
#define ENVELOPE_FIELDS (ENVELOPE_LAST - ENVELOPE_FIRST + 1)
struct envelope {
	/* By enum header_name less ENVELOPE_FIRST: address lists, and the last of each other field.
	 */
	struct address *list[ENVELOPE_FIELDS];
	struct header_field text[ENVELOPE_FIELDS];
};
void envelope_field(
    struct envelope *e, struct arena *a, enum header_name name, struct header_field const *f);
void envelope_put(stralloc *out, struct envelope const *e);

/* BODYSTRUCTURE's value of the part and all below; with extended zero BODY's, without extension
 * data (RFC 3501 7.4.2). msg is the memory that mime_parse was given. */
void imap_bodystructure(
    stralloc *out, struct arena *a, char const *msg, struct mime_part const *root, int extended);
/* Appends BODYSTRUCTURE's value, and behind it BODY's, for little more than one of them costs: the
 * first one's length. */
size_t imap_structures(
    stralloc *out, struct arena *a, char const *msg, struct mime_part const *root);

/* A section of FETCH BODY[...] (RFC 3501 6.4.5, RFC 9051 6.4.5). */
enum imap_section_kind {
	SECTION_WHOLE,		   /* [] or a part's body [1.2] */
	SECTION_HEADER,		   /* the header; of a message/rfc822 part, of the message in it */
	SECTION_HEADER_FIELDS,	   /* named fields */
	SECTION_HEADER_FIELDS_NOT, /* all others */
	SECTION_TEXT,
	SECTION_MIME /* the part's own header */
};
#define SECTION_FIELDS_MAX 1000 /* field names of one section */
struct imap_section {
	enum imap_section_kind kind;
	unsigned int depth; /* part numbers */
	uint32_t path[MIME_DEPTH_MAX];
	unsigned int count; /* field names */
	char const **names; /* C strings in the arena */
};
/* Parses what stands between "[" and "]". Field names may be atoms or quoted; literals must have
 * been put in as quoted strings. 0, or -1 if it is no section. */
int imap_section_parse(struct imap_section *sec, struct arena *a, char const *s, size_t n);

/* Where the section is in msg: 1 and a range [*from, *to) of its octets as they lie in memory (send
 * it through lib/wire.h); 2 and wire text appended to out, for named fields; 0 if the message has
 * no such part; Dovecot sends an empty string then. */
int imap_section_find(struct imap_section const *sec, char const *msg, struct mime_part const *root,
    size_t *from, size_t *to, stralloc *out);
/* The part with this path, or null. Number 1 of a part that is no multipart is its body. */
struct mime_part const *imap_part(
    struct mime_part const *root, uint32_t const *path, unsigned int depth);

#endif

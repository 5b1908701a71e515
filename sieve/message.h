/* A message as tests see it: its header is gone through once, a field's text is made when it is
 * asked for the first time, parts are looked for when a test wants them. */
#ifndef POSTERN_SIEVE_MESSAGE_H
#define POSTERN_SIEVE_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/address.h"
#include "lib/arena.h"
#include "lib/charset.h"
#include "lib/header.h"
#include "lib/mime.h"
#include "sieve/code.h"
#include "sieve/edit.h"
#include "sieve/sieve.h"

#define FIELD_BUCKETS 64

struct field {
	struct header_field f;
	struct field *next; /* of the same bucket, in the order of the header */
	unsigned int index; /* in the header */
	struct text text;   /* see field_value; s is null: not made yet */
	struct address *addresses;
	unsigned char addressed; /* addresses are there */
};

struct header {
	struct field *bucket[FIELD_BUCKETS]; /* first of those whose names have this hash */
};

/* What was made of a part. */
#define PART_BUCKETS 64
struct part_data {
	struct part_data *next;
	struct mime_part const *part;
	struct header *header; /* null: not made yet */
	struct text text[2]; /* as sieve_part_text gives it, [1] with `text`; s is null: likewise */
};

struct message {
	struct arena *a;
	charset_open_fn *charsets;
	char const *s; /* the message: that of the job, or one that replace or enclose made */
	size_t n;
	size_t body; /* where the body begins, behind the empty line */
	struct header header;
	struct mime_part *root; /* null: not looked for yet */
	struct part_data *parts[PART_BUCKETS];
	struct sieve_edit edit;
	int editing; /* edit has begun */
	int edited;  /* it is not the original any more */
	struct sieve_edition const
	    *edition; /* as it is now; null: not made since the last change */
};

/* Starts with s[0..n), which must stay. */
void message_start(
    struct message *m, struct arena *a, char const *s, size_t n, charset_open_fn *charsets);
/* From now on the message is s[0..n). */
void message_replace(struct message *m, char const *s, size_t n);
/* The parts of it, edited or not: the root. */
struct mime_part *message_parts(struct message *m);

/* A part's header, and its text (sieve/part.h): octets behind SIEVE_BODY_MAX are left out. */
struct header *message_part_header(struct message *m, struct mime_part const *p);
struct text message_part_text(struct message *m, struct mime_part const *p, int text);

/* Goes through a header, s[0..n). */
void header_index(struct header *h, struct arena *a, char const *s, size_t n);
/* The first field of this name (any case), and the one after f, or null. */
struct field *header_first(struct header const *h, char const *name, size_t n);
struct field *header_after(struct field const *f, char const *name, size_t n);

/* The field's text: on one line, encoded words decoded, in UTF-8, without blanks at its ends. */
struct text field_value(struct message *m, struct field *f);
/* Its body as it stands, on one line, nothing decoded, for structured fields. */
struct text field_raw(struct message *m, struct field *f);
struct address *field_addresses(struct message *m, struct field *f);

/* Puts a new field before all others, or behind them (RFC 5293 4); C strings. */
void message_add(struct message *m, char const *name, char const *value, int last);
/* Takes a field out; those found before may then be found again, but not used. */
void message_delete(struct message *m, struct field const *f);
/* The message as it is now; null: as it came. */
struct sieve_edition const *message_edition(struct message *m);

#endif

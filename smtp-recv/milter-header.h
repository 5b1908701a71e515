/* A message's header in memory while filters look at it and change it; the body stays where it is.
 *
 * What this program puts in front counts as the first fields. The Received field among them is not
 * shown to filters, as no MTA shows its own, but it has a place: what is inserted at 0 goes before
 * it, at 1 behind it. */
#ifndef SMTP_RECV_MILTER_HEADER_H
#define SMTP_RECV_MILTER_HEADER_H

#include <stdint.h>

#include "lib/arena.h"
#include "smtp-recv/message.h"

struct milter_field {
	char const *text; /* "Name: body", lines divided by LF, none at the end */
	size_t len, name_len;
	int own; /* our Received field */
};

struct milter_header {
	struct arena arena;
	struct milter_field *fields;
	size_t count, room;
	size_t size;   /* octets of all fields with their line ends */
	uint64_t body; /* where the body begins in the message */
	int changed;
};
#define MILTER_HEADER_ZERO                                                                         \
	{                                                                                          \
		ARENA_ZERO, 0, 0, 0, 0, 0, 0                                                       \
	}

enum milter_header_load { MILTER_HEADER_OK, MILTER_HEADER_BIG, MILTER_HEADER_UNREAD };

/* Reads head (what goes in front: whole lines, the Received field first) and the header of m.
 * MILTER_HEADER_BIG: over MILTER_HEADER_MAX, MILTER_FIELDS_MAX fields, or a field over
 * MILTER_DATA_MAX. The header ends where the first line stands that is no field. */
enum milter_header_load milter_header_load(
    struct milter_header *h, char const *head, size_t n, struct message const *m);
/* The body of a field, as filters get it: without the blank behind the colon unless it is to stay.
 */
char const *milter_field_body(struct milter_field const *f, int keep_blank, size_t *n);

/* The body of the first field of this name in the arena, without the blank behind the colon; null:
 * there is none. */
char const *milter_header_find(struct milter_header *h, char const *name);

/* The changes (value: C string, its line ends and their blanks are put right; raw: it begins right
 * behind the colon): at the end; at a place; the index-th field of this name, of 1, anew or (value
 * "") away, or at the end where there are not that many. */
void milter_header_add(struct milter_header *h, char const *name, char const *value, int raw);
void milter_header_insert(
    struct milter_header *h, size_t place, char const *name, char const *value, int raw);
void milter_header_change(
    struct milter_header *h, size_t index, char const *name, char const *value, int raw);

/* All of it, and the empty line, appended. */
void milter_header_text(struct milter_header const *h, stralloc *out);
void milter_header_free(struct milter_header *h);

#endif

/* A message's header as scripts see and change it: editheader (RFC 5293), replace and enclose
 * (RFC 5703). What was not changed stays in the message's memory. */
#ifndef POSTERN_SIEVE_EDIT_H
#define POSTERN_SIEVE_EDIT_H

#include <stddef.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/header.h"
#include "sieve/limits.h"

struct sieve_edition;

struct sieve_edit {
	struct arena *a;
	struct header_field *field; /* as the header is now */
	unsigned int count, room;
	char const *body; /* the empty line (if there is one) and all behind it */
	size_t body_len;
	int crlf;	    /* lines end so */
	unsigned int added; /* fields, of SIEVE_EDITS_MAX */
	int changed;
};

/* Reads the header of msg[0..n), which must stay, as everything in a must. What stands behind
 * SIEVE_FIELDS_MAX fields belongs to the body, and stays as it is. */
void sieve_edit_begin(struct sieve_edit *e, struct arena *a, char const *msg, size_t n);
/* addheader: "Name: value" in front of all fields, or behind them if `last`. The value is UTF-8, is
 * folded and encoded (RFC 2047) as needed. 1; 0 this field is not to be added, which is no error
 * (RFC 5293 6); -1 SIEVE_EDITS_MAX. */
int sieve_edit_add(struct sieve_edit *e, char const *name, char const *value, int last);
/* deleteheader: takes field[i] out. 1; 0 it must stay. */
int sieve_edit_delete(struct sieve_edit *e, unsigned int i);
/* field[] index of the nth field called `name`, n from 1, counted from the end if `last`: -1 there
 * is none. */
int sieve_edit_find(struct sieve_edit const *e, char const *name, uint64_t nth, int last);
/* A field's name as RFC 5322 2.2 has it: 1 or 0. */
int sieve_edit_name_valid(char const *name, size_t n);
/* The message as it is now, in a; null if nothing was changed. */
struct sieve_edition const *sieve_edit_result(struct sieve_edit const *e);

#endif

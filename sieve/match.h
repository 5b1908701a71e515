/* Match types and comparators (RFC 5228 2.7; RFC 4790, RFC 5051; relational, RFC 5231). */
#ifndef POSTERN_SIEVE_MATCH_H
#define POSTERN_SIEVE_MATCH_H

#include "sieve/glob.h"
#include "sieve/machine.h"
#include "sieve/regex.h"

struct match {
	struct machine *m;
	struct call const *call;
	enum match_type type;
	enum comparator comparator;
	enum relation relation;
	unsigned int slot;  /* of the keys */
	uint32_t count;	    /* of keys */
	int list;	    /* the slot is a list */
	struct text *keys;  /* those with variables put in; null: as they stand in the code */
	struct text *mapped; /* for i;unicode-casemap */
	struct sieve_regex *regex; /* one for each key; null: none compiled yet */
	uint64_t values;    /* that were given */
	int found;
	int silent; /* sets no match variables */
};

/* Starts a match of the keys in the slot by the row's match arguments. 0 or -1. */
int match_start(struct match *x, struct machine *m, struct call const *call, unsigned int slot);
/* From now on each word of the keys is one. 0 or -1. */
int match_split_keys(struct match *x);
/* One value: 1 when it matches (no other need be given), 0, -1. Of :count it is only counted. */
int match_value(struct match *x, struct text value);
/* 1 or 0: has one matched? -1. Frees what was allocated; to be called in every case. */
int match_end(struct match *x);

#endif

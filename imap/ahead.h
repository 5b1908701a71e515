/* The messages of a long command, read ahead (lib/read-ahead.h): while one is sent, those behind it
 * are read. */
#ifndef POSTERN_IMAP_AHEAD_H
#define POSTERN_IMAP_AHEAD_H

#include <stddef.h>
#include <stdint.h>

#include "imap/parse.h"
#include "maildir/folder.h"

struct ahead {
	struct folder *folder;
	struct set const *set;
	uint64_t since;
	uint32_t alone;		  /* messages that are still to be read without */
	struct read_ahead *files; /* null: nothing is read ahead */
	unsigned int enough;	  /* under way: before it is fewer nothing is added */
	size_t range;		  /* of the set: what comes next is in it */
	uint32_t next;		  /* or behind it */
};

/* All messages of the set with a modseq above `since` will be taken, in ascending order: those that
 * are gone by then may be left out. Of a few, nothing is read ahead. */
void ahead_begin(struct ahead *a, struct folder *f, struct set const *set, uint64_t since);
/* The octets of message i, and how many they are, until the next is taken; null: it was not read
 * ahead. */
char *ahead_take(struct ahead *a, uint32_t i, size_t *size);
void ahead_end(struct ahead *a);

#endif

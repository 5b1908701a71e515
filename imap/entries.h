/* Entries of METADATA (RFC 5464), for GETMETADATA, SETMETADATA and LIST RETURN (METADATA ...). */
#ifndef POSTERN_IMAP_ENTRIES_H
#define POSTERN_IMAP_ENTRIES_H

#include "imap/session.h"

#define DEPTH_INFINITY 2

struct entries {
	char const **name;
	size_t count;
	unsigned int depth; /* 0, 1, DEPTH_INFINITY (4.2.2) */
	int limited;	    /* MAXSIZE was given (4.2.1) */
	uint32_t maxsize;
	uint64_t longest; /* the largest value that was left out; 0: none */
};

/* An entry's name, checked by RFC 5464 3.2. */
int entry_parse(struct parse *p, char const **name);
/* One entry, or a list of them in parentheses. Adds to e. */
int entries_parse(struct parse *p, struct entries *e);
/* Sends "* METADATA name (entry value ...)" of a mailbox, or with name "" of the server. What is
 * not there is NIL, with DEPTH it is left out. 0 or -1 (errno). */
int entries_tell(struct session *s, char const *name, struct entries *e);

#endif

/* A message's text, from the spool file to the server. */
#ifndef POSTERN_MDA_REMOTE_SEND_TEXT_H
#define POSTERN_MDA_REMOTE_SEND_TEXT_H

#include "mda-remote/send.h"
#include "mda-remote/sevenbit.h"

#define SEND_BLOCK 65536 /* octets read at a time */

struct send_text {
	int fd;
	uint64_t offset, length; /* in the file */
	char *map;		 /* the file, if it goes in seven bits; null: it goes as it is */
	enum sevenbit_what what; /* of it */
	uint64_t size;		 /* octets on the wire, dots not counted: send_text_size */
	uint64_t sent;		 /* of them */
	int along;		 /* it goes before the replies to what went before it are read */
	char last;		 /* octet of what was counted or sent */
};

/* How many octets it is on the wire; t->size. 0, or -1 and errno. */
int send_text_size(struct send_text *t, struct arena *a);

/* From now on it goes as sevenbit() makes it. 0, or -1 if that cannot be (no memory). The arena
 * holds its structure. */
int send_text_sevenbit(struct send_text *t, enum sevenbit_what what);
/* Sends it with its final dot, or (s->c.chunk) the t->size octets that BDAT has promised, each
 * piece within SEND_BLOCK_SECONDS. Null; else what could not be done, errno says why, and the
 * connection cannot go on. */
char const *send_text(struct send *s, struct send_text *t);
/* BDAT, LAST, and the whole message behind it (RFC 3030). As send_text. */
char const *send_text_bdat(struct send *s, struct send_text *t);
void send_text_close(struct send_text *t);

#endif

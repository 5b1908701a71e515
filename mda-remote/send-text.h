/* A message's text, from the spool file to the server. */
#ifndef POSTERN_MDA_REMOTE_SEND_TEXT_H
#define POSTERN_MDA_REMOTE_SEND_TEXT_H

#include "mda-remote/send.h"

#define SEND_BLOCK 65536 /* octets read at a time */

struct send_text {
	int fd;
	uint64_t offset, length; /* in the file */
	char *map;		 /* the file, if it goes in seven bits; null: it goes as it is */
};

/* From now on it goes as sevenbit() makes it; how many octets that is on the wire, 0 if that cannot
 * be (no memory). The arena holds its structure. */
uint64_t send_text_sevenbit(struct send_text *t, struct arena *a);
/* Sends it with its final dot, each piece within SEND_BLOCK_SECONDS. Null; else what could not be
 * done, errno says why, and the connection cannot go on. */
char const *send_text(struct send *s, struct send_text *t);
void send_text_close(struct send_text *t);

#endif

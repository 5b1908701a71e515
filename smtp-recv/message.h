/* A message while it is received: in this process's memory up to MEMORY_HELD, beyond that in a
 * memory file, which can be handed over as it is, and beyond MEMORY_BYTES in a file without a name.
 */
#ifndef SMTP_RECV_MESSAGE_H
#define SMTP_RECV_MESSAGE_H

#include <stdint.h>
#include <sys/types.h>
#include <skalibs/stralloc.h>

struct message {
	stralloc memory; /* all of it while fd is -1, empty otherwise */
	int fd;
	int is_memory; /* fd is a memory file */
	stralloc
	    front; /* what will be sent in front of it, if that is known when it goes to a file:
		      there it stands in front already; offsets are the message's nonetheless */
	uint64_t size;
	uint64_t skip; /* octets at the front that are not sent on: a header that was changed */
};
#define MESSAGE_ZERO                                                                               \
	{                                                                                          \
		STRALLOC_ZERO, -1, 0, STRALLOC_ZERO, 0, 0                                          \
	}

/* Says in which directory files are made; opened now, so that it may be out of reach later. 0, or
 * -1 and errno. */
int message_directory(char const *path);
/* Appends. 0, or -1 and errno (ENOSPC, EDQUOT: disk full); then only message_clear makes sense. */
int message_add(struct message *m, char const *s, size_t n);
/* 1 if n octets more take it out of this process's memory: then is the time for m->front. */
int message_outgrows(struct message const *m, size_t n);
/* Where the next octets go, for those who write up to n of them there themselves and then say how
 * many; null: only message_add can. */
char *message_space(struct message *m, size_t n);
void message_wrote(struct message *m, size_t n);
/* 1 if it is in memory of either kind, so that reading it cannot fail. */
int message_at_hand(struct message const *m);
/* The memory file of all that is to be sent, with this head in front, which nobody can change from
 * now on: the descriptor stays the message's. -1: there is none. */
int message_seal(struct message const *m, stralloc const *head);
/* 1 if it ends with a line's end. */
int message_whole(struct message const *m);
/* Octets on the wire, CR LF counted, of what is sent on. 0, or -1 and errno: a number too low would
 * end the message there, and let the rest of it pass for commands. */
int message_wire(struct message const *m, uint64_t *wire);
/* Up to max bytes from offset on: their number, 0 at the end, -1 and errno. */
ssize_t message_read(struct message const *m, uint64_t offset, char *buf, size_t max);
/* The octets from offset on, as many as are at hand, until the next call: as message_read. */
ssize_t message_piece(struct message const *m, uint64_t offset, char const **s);
/* Appends the first n octets of another. 0, or -1 and errno. */
int message_copy(struct message *m, struct message const *from, uint64_t n);
/* Writes n octets over those at an offset. 0, or -1 and errno. */
int message_rewrite(struct message *m, uint64_t offset, char const *s, size_t n);
/* Empties it and gives the file's room back. */
void message_clear(struct message *m);
/* The same, and nothing of it stays in memory. */
void message_free(struct message *m);

#endif

/* A message between its arrival and its delivery: in memory (a memfd) up to MDA_MEMORY_MAX, beyond
 * it in an unlinked temporary file. LF line ends. Read with pread at any offset, so that several
 * processes may at a time. */
#ifndef POSTERN_MDA_LOCAL_MESSAGE_H
#define POSTERN_MDA_LOCAL_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

struct message {
	int fd_memory;
	int fd_big; /* -1 until needed */
	uint64_t size;
	/* Gets a descriptor for fd_big (the parser has it from its parent); -1 with errno. */
	int (*spill)(void *arg);
	void *arg;
	int error; /* errno of the first failure; 0 */
	size_t held;
	char buffer[16384];
};

/* Makes the memfd. 0 or -1. */
int message_init(struct message *m);
/* An unlinked file in the directory of message_directory. The descriptor or -1; a spill function.
 */
int message_open_big(void *arg);
/* Setting lmtp-tmp; by default run/tmp of the instance if it can be written, else /tmp. */
void message_directory(void);
/* Forgets the content. */
void message_reset(struct message *m);
/* Appends; an error is remembered and makes message_end fail. */
void message_write(struct message *m, char const *s, size_t n);
/* Nothing more comes. 0, or -1 with errno. */
int message_end(struct message *m);
/* Where it is. */
int message_fd(struct message const *m);

/* 1 if the header (at most MDA_HEADER_MAX octets are searched) has a field Delivered-To with this
 * address; letter case does not matter. 0 no; -1 read error. */
int message_delivered_to(int fd, char const *address);

#endif

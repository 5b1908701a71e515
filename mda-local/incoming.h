/* A message between its arrival and its delivery: in memory (a memfd) up to MDA_MEMORY_MAX, beyond
 * it in an unlinked temporary file. LF line ends. Read with pread at any offset, so that several
 * processes may at a time. */
#ifndef POSTERN_MDA_LOCAL_INCOMING_H
#define POSTERN_MDA_LOCAL_INCOMING_H

#include <stddef.h>
#include <stdint.h>

#define INCOMING_SPACE 16386 /* octets that may be put in place at once */

struct incoming {
	int fd_memory;
	int fd_big; /* -1 until needed */
	uint64_t size;
	/* Gets a descriptor for fd_big (the parser has it from its parent); -1 with errno. */
	int (*spill)(void *arg);
	void *arg;
	int error; /* errno of the first failure; 0 */
	size_t held;
	char buffer[2 * INCOMING_SPACE];
};

/* fd_memory: a memfd, which becomes its own; -1: it has none yet. */
void incoming_init(struct incoming *m, int fd_memory);
/* A memfd that can be sealed: the descriptor or -1. */
int incoming_memory(void);
/* From now on nobody, whoever has it open, can change or cut off a memfd. 0 or -1. */
int incoming_seal(int fd);
/* The octets of a memfd that was sealed so already; -1: it is none. */
int64_t incoming_sealed(int fd);
/* An unlinked file in the directory of incoming_directory. The descriptor or -1; a spill function.
 */
int incoming_open_big(void *arg);
/* Closes such a file's descriptor and returns one through which nobody writes; where there is no
 * /proc the same as before. */
int incoming_to_read(int fd);
/* Setting lmtp-tmp; by default run/tmp of the instance if it can be written, else /tmp. */
void incoming_directory(void);
/* Goes on with another memfd, which becomes its own; -1: without one. */
void incoming_replace(struct incoming *m, int fd_memory);
/* Forgets the content. */
void incoming_reset(struct incoming *m);
/* Appends; an error is remembered and makes incoming_end fail. */
void incoming_write(struct incoming *m, char const *s, size_t n);
/* The same for who writes up to INCOMING_SPACE octets there itself, and then says how many. */
char *incoming_space(struct incoming *m);
void incoming_wrote(struct incoming *m, size_t n);
/* Nothing more comes. 0, or -1 with errno. */
int incoming_end(struct incoming *m);
/* Where it is. */
int incoming_fd(struct incoming const *m);

/* 1 if the header (at most MDA_HEADER_MAX octets are searched) has a field (field[0..len): its name
 * and the colon) with this value on one line; letter case does not matter. 0 no; -1 read error. */
int incoming_has(int fd, char const *field, size_t len, char const *value);
/* The same for Delivered-To. */
int incoming_delivered_to(int fd, char const *address);

#endif

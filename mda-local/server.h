/* With mda-local -l: the process that serves one connection after the other, knowing none of their
 * octets. */
#ifndef POSTERN_MDA_LOCAL_SERVER_H
#define POSTERN_MDA_LOCAL_SERVER_H

#include <stdint.h>

/* What a server is sent with the channel of a parser. */
struct server_task {
	uint32_t keep;	     /* workers that may stay when the connection is over */
	uint32_t generation; /* another one than before: etc/ may have changed */
};

/* Serves what comes on fd, and says behind each connection what parent_serve did. fd_broker: 0
 * none. */
void server_run(int fd, int fd_broker) __attribute__((noreturn));

#endif

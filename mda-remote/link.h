/* Packets between mda-remote and its children over a SOCK_SEQPACKET pair: a packet arrives whole or
 * not at all, may bear one descriptor, and is at most SEND_PACKET_MAX bytes. doc/spool.md says what
 * they hold. */
#ifndef POSTERN_MDA_REMOTE_LINK_H
#define POSTERN_MDA_REMOTE_LINK_H

#include <stddef.h>
#include <sys/types.h>

/* Both ends close-on-exec and blocking. 0 or -1. */
int link_pair(int fd[static 2]);
/* Sends one packet and, if fd_pass >= 0, that descriptor. 0, or -1 and errno. */
int link_send(int fd, char const *s, size_t n, int fd_pass);
/* Receives one packet, made a C string. Its length; 0 at the other end's close; -1 and errno
 * (EMSGSIZE: it was larger than max-1). *fd_pass, if not null, gets the descriptor or -1. */
ssize_t link_recv(int fd, char *s, size_t max, int *fd_pass);

#endif

/* tcpserver's children: their environment and how they are started. */
#ifndef POSTERN_TCPSERVER_SPAWN_H
#define POSTERN_TCPSERVER_SPAWN_H

#include <stdint.h>
#include <sys/types.h>
#include <skalibs/ip46.h>

/* Prepares everything that is the same for every child. */
void spawn_init(void);
/* Starts argv (found through PATH) with the connection fd on 0 and 1, default signals, an empty
 * mask, and PROTO, TCPREMOTEIP, TCPREMOTEPORT, TCPLOCALIP, TCPLOCALPORT, TCPCONNNUM.
 * The pid, or 0 with errno. */
pid_t spawn_child(char *const *argv, int fd, ip46 const *ip, uint16_t port, unsigned int connnum);

#endif

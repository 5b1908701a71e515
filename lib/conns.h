/* A server's connections: which process serves which address. */
#ifndef POSTERN_CONNS_H
#define POSTERN_CONNS_H

#include <stdint.h>
#include <sys/types.h>
#include <skalibs/ip46.h>

/* One running child and its peer. */
struct conn {
	pid_t pid;
	uint16_t port;
	ip46 ip;
};

/* At most `max` connections from now on. */
void conns_init(unsigned int max);
unsigned int conns_count(void);
/* How many of them come from this address. */
unsigned int conns_from(ip46 const *ip);
/* The caller has checked that there is room. */
void conns_add(struct conn const *c);
/* Forgets pid: 1 and what it was in *c, 0 if it is none of ours. */
int conns_remove(pid_t pid, struct conn *c);
void conns_kill(int sig);
/* Writes all to a file, and reads them from it, at most max: for a server that executes itself,
 * whose children stay its own. 0, or -1 and errno. */
int conns_save(int fd);
int conns_load(int fd, unsigned int max);

#endif

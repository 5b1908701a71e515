/* Where a server is: an address and a port. */
#ifndef POSTERN_TARGET_H
#define POSTERN_TARGET_H

#include <stdint.h>
#include <skalibs/ip46.h>
#include <skalibs/tai.h>

/* "192.0.2.1:24", "[2001:db8::1]:24", "localhost:24"; names would need a resolver. 0, or -1. */
int target_parse(char const *target, ip46 *ip, uint16_t *port);
/* Connects, non-blocking, until `latest`. The descriptor, or -1 and errno. */
int target_tcp(ip46 const *ip, uint16_t port, tain const *latest);
int target_unix(char const *path, tain const *latest);

#endif

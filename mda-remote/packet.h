/* smtp-send's first packet: where to connect to, and what is asked of TLS (smtp-send.c says what its
 * lines mean). Pure. */
#ifndef POSTERN_MDA_REMOTE_PACKET_H
#define POSTERN_MDA_REMOTE_PACKET_H

#include <skalibs/stralloc.h>

#include "mda-remote/mx.h"
#include "mda-remote/route.h"

#define PACKET_AUTHENTIC "y\n"
#define PACKET_INCOMPLETE "i\n"

/* What the route asks. */
void packet_head(stralloc *sa, struct route const *r);
/* One address; port: where the route has none. */
void packet_address(stralloc *sa, struct route const *r, unsigned int port, char const *name,
    char const *ip, unsigned int rank);
/* A route to a Unix socket, or to an address that it names itself: the whole packet. 1 if it is one,
 * 0 if its name must be looked up, -1 if the address is of the family that it does not want. */
int packet_direct(stralloc *sa, struct route const *r, unsigned int port);
/* All of it, for the hosts a->host[0..hosts), with what the domain's MTA-STS policy (or null) and TLSA
 * records ask. How many addresses of the route's family there are. */
struct sts_known;
unsigned int packet_hosts(stralloc *sa, struct route const *r, unsigned int port,
    struct sts_known const *sts, struct mx_answer const *a, unsigned int hosts);

#endif

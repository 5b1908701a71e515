/* Which domains are ours: the table `domains` (doc/joints.md). */
#ifndef POSTERN_MDA_LOCAL_DOMAIN_H
#define POSTERN_MDA_LOCAL_DOMAIN_H

#include <stddef.h>

#include "lib/arena.h"

enum domain_kind {
	DOMAIN_LOCAL,	  /* its mailboxes are here; so are those of no domain at all */
	DOMAIN_ELSEWHERE, /* the table sends it on, by LMTP */
	DOMAIN_UNKNOWN,
	DOMAIN_DEEP, /* too many aliases of domains, one behind the other */
	DOMAIN_ERROR /* the table cannot be read */
};

/* Of a domain in A-labels or "". Follows alias:OTHER; *domain becomes the last one, as tables
 * have it, in a. */
enum domain_kind domain_kind(struct arena *a, char const **domain);

#endif

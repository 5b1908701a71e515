/* Sender rewriting for forwarded mail, so that its sender's domain is one that this host may send
 * for (SPF), and a bounce finds back: the Sender Rewriting Scheme, SRS0 and SRS1. Pure. */
#ifndef POSTERN_SRS_H
#define POSTERN_SRS_H

#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>

#define SRS_DAYS 21	   /* a rewritten address is good for so long */
#define SRS_KEY_MIN 16	   /* octets of the key at least */
#define SRS_LOCAL_MAX 512u /* octets of a rewritten local part: else the sender stays as it is */

struct srs_key {
	char const *s;
	size_t len;
};

/* Appends the rewritten local part for local@domain (unquoted): "SRS0=HASH=DAY=DOMAIN=LOCAL", or
 * what an address that another host has rewritten becomes ("SRS1=HASH=HOST==..."). now: seconds
 * since 1970. 0, or -1: it would be too long. */
int srs_forward(
    stralloc *out, struct srs_key const *k, char const *local, char const *domain, int64_t now);

/* What a rewritten local part stands for. 1: *to_local (appended) and *to_domain (appended) are
 * where a bounce goes; 0: it is none; -1: it is none of ours, damaged, or too old. Letters may have
 * changed their case on the way. */
int srs_reverse(stralloc *to_local, stralloc *to_domain, struct srs_key const *k, char const *local,
    int64_t now);

#endif

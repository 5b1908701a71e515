/* MTA-STS (RFC 8461): records, policies, and what the walker knows of them. sts-policy.c is pure;
 * the rest is mda-remote's (sts-domain.h has its parts). */
#ifndef POSTERN_MDA_REMOTE_STS_H
#define POSTERN_MDA_REMOTE_STS_H

#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>

#include "mda-remote/limits.h"

/* ---- sts-policy.c ---- */

struct sts_policy {
	enum sts_mode { STS_NONE = 'n', STS_TESTING = 't', STS_ENFORCE = 'e' } mode;
	uint32_t max_age; /* seconds */
	unsigned int count;
	char *mx[STS_MX_MAX]; /* patterns, lower case; malloc'd */
};

/* Looks for the one record of _mta-sts.DOMAIN among texts, each with its NUL, up to an empty one
 * (RFC 8461 3.1). Its id into id: 1; 0 if there is none, more than one, or it is not valid. */
int sts_record(char const *texts, char id[static STS_ID_MAX + 1]);
/* Parses s[0..n) (RFC 8461 3.2). 0; -1 with *why when it is not valid. sts_policy_free in either
 * case. */
int sts_policy_parse(struct sts_policy *p, char const *s, size_t n, char const **why);
void sts_policy_free(struct sts_policy *p);
/* 1 if one of the patterns is for this host (RFC 8461 4.1). */
int sts_policy_matches(struct sts_policy const *p, char const *host);

/* Where the system's CA certificates are, where tls-ca names no others; the last is null. */
extern char const *const sts_ca_files[];

/* ---- sts.c, sts-fetch.c ---- */

struct sts_known {
	struct sts_policy policy;
	char id[STS_ID_MAX + 1];
	int64_t fetched, until; /* seconds since 1970 */
	stralloc text;		/* as it was fetched */
};

void sts_start(void);
/* Finds out about the domain: 1 when all is known that can be; 0 asked, or to be asked again in the
 * next round. */
int sts_ready(char const *domain);
/* Its policy that is in force, or null, into *known. Valid until the next call of any of these. -1: it
 * may have one on disk that cannot be read now, so that mail must wait. */
int sts_policy(char const *domain, struct sts_known const **known);
/* The descriptor of the process that fetches policies, -1 for none; and what it has said. */
int sts_fd(void);
void sts_read(void);
/* Starts that process anew if the certificates that it has read are others now. */
void sts_reread(void);
/* Begins fetches, gives up what hangs; looks after policies that are soon out of date. */
void sts_check(void);

#endif

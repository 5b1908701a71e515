/* The parts of mda-remote that know MTA-STS policies (what the rest of it sees: sts.h). One struct
 * per domain goes through all of them:
 *
 *     sts-store.c  in memory for a while, on disk for as long as the policy lasts
 *     sts.c        what mail asks, the record, and the verdict on a fetch
 *     sts-fetch.c  fetches: their turns, and the process that does them
 *     sts-look.c   policies that nobody asks for are kept up to date */
#ifndef POSTERN_MDA_REMOTE_STS_DOMAIN_H
#define POSTERN_MDA_REMOTE_STS_DOMAIN_H

#include "mda-remote/sts.h"

struct sts_domain {
	struct sts_domain *next;   /* of the same hash */
	struct sts_domain *behind; /* that waits to be fetched */
	char *name;
	uint32_t parent; /* the same for all domains below one registered name */
	enum sts_state {
		STS_IDLE,
		STS_ASKED_TXT,
		STS_WAITS, /* to be fetched */
		STS_ASKED_HOST,
		STS_FETCHING
	} state;
	unsigned int number;	  /* of its fetch */
	int64_t asked;		  /* ms; when that began */
	int64_t record_until;	  /* ms; the record is not looked at again before */
	int64_t fetch_not_before; /* ms */
	char wanted[STS_ID_MAX + 1];
	unsigned int lost; /* times that a process of ours died over it */
	int looked;	   /* asked by sts-look.c, not by mail */
	int unread;	   /* what is on disk cannot be read now */
	int has;	   /* a policy, perhaps out of date */
	struct sts_known known;
};

/* ---- sts-store.c ---- */

/* The domain's, made if need be; what is not idle stays, the others until the next call. */
struct sts_domain *sts_find(char const *name);
/* 1 if a policy of this name may be on disk and in memory. */
int sts_name_valid(char const *name);
/* It has a policy that is in force. */
int sts_valid(struct sts_domain const *d);
/* Its policy is to be fetched again although its id is the same. */
int sts_aged(struct sts_domain const *d);
/* Takes a policy that was fetched at that time (seconds since 1970): 0; -1 with *why, then the old
 * one stays. */
int sts_adopt(struct sts_domain *d, char const *text, size_t n, char const *id, int64_t fetched,
    char const **why);
/* Writes it to disk. The file's mtime is when mail last asked for the policy: it stays if none has.
 */
void sts_save(struct sts_domain *d);
/* Mail asks for it now. */
void sts_touch(struct sts_domain const *d);
/* spool/policy, to be closed; -1 and errno. */
int sts_directory(void);

/* ---- sts.c ---- */

/* Asks for the record of an idle domain. 0; -1 if there are too many questions now. */
int sts_ask(struct sts_domain *d);
/* How a fetch ended: a policy; a failure of the domain's; one of our own. */
void sts_fetched(struct sts_domain *d, char const *text, size_t n);
void sts_failed(struct sts_domain *d, char const *type, char const *why);
void sts_again(struct sts_domain *d, char const *why);

/* ---- sts-fetch.c ---- */

/* Has its policy fetched when its turn comes. */
void sts_fetch(struct sts_domain *d);
/* Begins what may begin; gives up what hangs. */
void sts_fetch_check(void);

/* ---- sts-look.c ---- */

/* How many domains are being looked after. */
extern unsigned int sts_looks;
/* Looks at some policies if it is time to. */
void sts_look(void);

#endif

/* What a server sends its broker, fixed in form (channel.h). A link is answered with a
 * broker_worker, and the link with it if there is one. */
#ifndef POSTERN_MDA_LOCAL_BROKER_ASK_H
#define POSTERN_MDA_LOCAL_BROKER_ASK_H

#include <stdint.h>

#include "mda-local/worker.h"

enum broker_op { BROKER_LINK, BROKER_KILL };

/* An account whose strings do not fit is served by a worker of the server's own. */
struct broker_question {
	uint32_t op;
	uint32_t id;	 /* of the worker that is stale, or is to be killed; 0 none */
	uint64_t policy; /* digest of the server's settings */
	uid_t uid;
	gid_t gid;
	uint32_t has_quota; /* quota_rule is not null */
	char name[WORK_ADDRESS_MAX];
	char home[1024], maildir[1024], shell[256], quota_rule[1024];
};

/* Two that are the same have the same settings. */
uint64_t broker_digest(struct worker_policy const *p);

#endif

#include "smtp-recv/decide.h"

void
tally_add(struct tally *t, enum verdict v)
{
	switch (v) {
	case VERDICT_SPOOL:
		t->spool++;
		break;
	case VERDICT_DONE:
		t->done++;
		break;
	case VERDICT_TEMP:
		t->temp++;
		break;
	case VERDICT_PERM:
		t->perm++;
	}
}

enum plan
decide_local(struct tally const *t, int submission)
{
	if (!t->spool && !t->temp)
		return t->done ? PLAN_ACCEPT : PLAN_PERM;
	/* What the spool takes for a remote recipient is a commit like any other, so local
	 * recipients that failed for a time go with it. */
	if (t->done || t->spool || submission)
		return PLAN_SPOOL;
	/* Nothing is committed: the sender keeps the message and tries again. Recipients that
	 * failed for good fail again then, and are told once something is committed. */
	return PLAN_TEMP;
}

enum plan
decide_each(struct tally const *t, int submission)
{
	if (t->spool || (t->temp && submission))
		return PLAN_SPOOL;
	return t->done ? PLAN_ACCEPT : t->temp ? PLAN_TEMP : PLAN_PERM;
}

enum plan
decide_final(struct tally const *t, enum verdict spool)
{
	if (spool == VERDICT_DONE)
		return PLAN_ACCEPT;
	if (spool == VERDICT_TEMP)
		return PLAN_TEMP;
	/* Refused for good. With copies committed, a 4xx would double them at every retry for days;
	 * without, local recipients that failed for a time deserve the retry. */
	return !t->done && t->temp ? PLAN_TEMP : PLAN_PERM;
}

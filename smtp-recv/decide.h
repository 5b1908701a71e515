/* The rules of "How a message is accepted" (doc/acceptance.md), pure: verdicts in, plan out. */
#ifndef SMTP_RECV_DECIDE_H
#define SMTP_RECV_DECIDE_H

/* What has become of one recipient. */
enum verdict {
	VERDICT_SPOOL, /* not local: the spool's from the start */
	VERDICT_DONE,  /* a copy is committed */
	VERDICT_TEMP,  /* failed for a time */
	VERDICT_PERM,  /* failed for good */
};

struct tally {
	unsigned int spool, done, temp, perm; /* recipients by verdict */
};

enum plan {
	PLAN_ACCEPT, /* 250 */
	PLAN_SPOOL,  /* spool and temp go to the spool, then decide_final */
	PLAN_TEMP,   /* 4xx for all */
	PLAN_PERM,   /* 5xx for all */
};

void tally_add(struct tally *t, enum verdict v);

/* After the local deliveries. submission: a temporary failure is not the sender's to retry. */
enum plan decide_local(struct tally const *t, int submission);
/* With PRDR each recipient hears what has become of it, and the sender keeps only what is refused
 * here: the spool gets what is its own, and of local recipients what no mail client would retry. Also
 * what the last reply says once the spool has answered: spool counts those that it has then. */
enum plan decide_each(struct tally const *t, int submission);
/* After the spool's answer: accepted (VERDICT_DONE) or refused. Not PLAN_SPOOL. */
enum plan decide_final(struct tally const *t, enum verdict spool);

#endif

/* What a script has decided, carried out: copies, what is sent elsewhere, refusals, answers. */
#ifndef POSTERN_MDA_LOCAL_SIEVE_ACTIONS_H
#define POSTERN_MDA_LOCAL_SIEVE_ACTIONS_H

#include "lib/arena.h"
#include "mda-local/outgoing.h"
#include "mda-local/worker.h"
#include "sieve/sieve.h"

struct sieve_work {
	struct worker *worker;
	struct order const *order;
	struct sieve_job const *job;
	struct sieve_result const *result;
	struct arena *a;
	int fd; /* the message */
	struct report *rep;
	struct outgoing *out;
};

/* Sets the report, and writes the records. */
void sieve_carry_out(struct sieve_work *k);

/* ---- sieve-answers.c ---- */
/* Vacation answers and notifications of the result: when everything else has gone well. Their
 * failure is logged. */
void sieve_send_answers(struct sieve_work *k);
/* Remembers the ids that duplicate has asked for. */
void sieve_remember_ids(struct sieve_work *k);

#endif

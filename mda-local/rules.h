/* Users' own rules: which kinds there are, and which of them counts for an account. A kind's
 * functions run in the account's worker, as its user; what they want sent elsewhere they hand to
 * the parent (outgoing.h). */
#ifndef POSTERN_MDA_LOCAL_RULES_H
#define POSTERN_MDA_LOCAL_RULES_H

#include <stddef.h>
#include <stdint.h>

#include "lib/sandbox.h"

struct worker;
struct order;
struct report;
struct outgoing;

#define RULES_NAME_MAX 16
#define RULES_KINDS_MAX 8 /* in the setting */
/* Paths that a kind's worker may use beside the Maildir. */
#define RULES_PATHS_MAX 8

struct rules_kind {
	char const *name; /* in the setting and in the log */
	/* Whether the account has such rules: 1, 0, or -1 with errno: it cannot be told now. Called
	 * once for a worker, as the account's user and before it is shut in. When the home
	 * directory changes the worker is replaced, so that the next one looks again. */
	int (*there)(struct worker *w);
	/* RCPT: sets rep->reply, may_refuse and may_send; REPLY_RCPT_OK promises that nothing but
	 * the message itself can fail them. */
	void (*check)(struct worker *w, struct order const *o, struct report *rep);
	/* Does what they say with the message on fd (o->size octets, read by pread): sets
	 * rep->reply: REPLY_DELIVERED or REPLY_RULES_DONE, something was done that must not be done
	 * twice; REPLY_SENT_ON, nothing but records in out; a failure: nothing of out is sent. */
	void (*deliver)(struct worker *w, struct order const *o, int fd, struct report *rep,
	    struct outgoing *out);
	/* Writes the paths beyond the Maildir that its worker needs, at most RULES_PATHS_MAX: their
	 * number. Null: it is not shut in at all, since it may run programs. */
	size_t (*paths)(struct worker const *w, struct sandbox_path *path);
	/* Reads the kind's own settings, in the parent: a digest; where it is another one, workers
	 * are replaced. May be null. */
	uint64_t (*settings)(void);
};

/* The setting `rules`: the kinds that are looked for, in their order. */
struct rules_policy {
	unsigned char count;
	unsigned char kind[RULES_KINDS_MAX]; /* in the table */
	uint64_t settings;		     /* of all these kinds */
};
/* Reads it. Exit 100 if it names a kind that there is not. */
void rules_policy_init(struct rules_policy *p);
/* Sets w->rules to the first kind that is there. 0, or -1 with errno. */
int rules_look(struct worker *w);

#endif

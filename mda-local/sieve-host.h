/* What scripts may ask of the account: folders, their annotations and uses, what was seen before,
 * verdicts of filters (struct sieve_host). */
#ifndef POSTERN_MDA_LOCAL_SIEVE_HOST_H
#define POSTERN_MDA_LOCAL_SIEVE_HOST_H

#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>

#include "mda-local/sieve-scripts.h"
#include "mda-local/worker.h"

struct sieve_message_host {
	struct worker *worker;
	struct scripts *scripts;
	char const *header; /* the message, of which the header counts */
	size_t n;
	int64_t now;
	struct order const *order;
};

/* Fills in the callbacks; m must stay. */
void sieve_host_init(struct sieve_host *h, struct sieve_message_host *m);

/* The folder that a script means by this name, as the worker's tree has names, in *to: 1 it is
 * there, 0 it is not (and could be made by this name), -1 no folder can have this name. Scripts may
 * separate the parts by "." or "/", and have "INBOX" in front where clients see it. */
int sieve_folder(struct worker *w, char const *name, stralloc *to);
/* The folder with this MAILBOXID: as struct sieve_host's mailbox_id, in the tree's names. */
int sieve_folder_by_id(struct worker *w, char const *id, stralloc *to);
/* The name of the file in the account's state folder; malloced. */
char *sieve_state_path(struct worker const *w, char const *name);
/* The key by which duplicate remembers. */
void sieve_duplicate_key(unsigned char *key, struct sieve_duplicate const *d);

#endif

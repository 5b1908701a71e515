/* THREAD (RFC 5256 section 3, REFERENCES; draft-ietf-morg-inthread, REFS): messages as trees.
 *
 * A message's number here is its index less the first result's; numbers behind `span` are dummies,
 * which stand for messages that are not there but that several others name. While it runs, where the
 * folder has its postern-keys, each message costs THREAD_OCTETS and a few bits at most, and each such
 * dummy as much. */
#ifndef POSTERN_IMAP_THREAD_H
#define POSTERN_IMAP_THREAD_H

#include "imap/keys.h"
#include "imap/progress.h"
#include "imap/results.h"

#define THREAD_NONE UINT32_MAX
#define THREAD_OCTETS 16 /* for each message */

struct thread_room {
	uint64_t *at; /* malloced */
	size_t room;
};

struct thread {
	struct session *s;
	struct folder *f;
	struct hand h;
	struct results *r;
	/* Ids and base subjects as hashes by one key: of messages [0, keys.covered) in the folder's
	 * postern-keys, of others made from their texts. */
	struct folder_keys keys;
	struct keys_thread const *row;
	size_t refs, refs_from; /* references in the column; from here on they are not used yet */
	struct siphash_key key;
	struct progress progress;
	uint32_t from, span; /* of the results */
	uint32_t nodes;	     /* messages and dummies */
	uint32_t *parent;    /* of each node, THREAD_NONE: at the top */
	uint32_t *order;     /* indexes of the results, by sent date */
	/* When the trees are made: each node's first child and next sibling, and the first tree. */
	uint32_t *head, *next, first;
	size_t octets; /* in use */
	int failed;    /* the session has ended, or it took more than imap-search-memory */
};

/* thread-keys.c */
/* Opens the columns, if they are to be had; chooses a key if not. thread_free closes them. */
void thread_columns(struct thread *x);
/* A message's ids: its own (0: none), and its references, the oldest first (0: not valid); they live
 * in the column, or in room. Messages are asked in their order; x->refs_from is 0 before the first. */
uint64_t thread_ids(
    struct thread *x, uint32_t i, uint64_t const **refs, uint32_t *count, struct thread_room *room);
/* keys_subject of its base subject. */
uint64_t thread_subject(struct thread *x, uint32_t i);

/* thread-link.c: steps 1 to 3 of REFERENCES: parents by Message-ID, References and In-Reply-To;
 * dummies are left only at the top, with two children or more. */
void thread_link(struct thread *x);
/* thread-subject.c: step 5: trees with the same base subject are joined. */
void thread_join(struct thread *x);
/* thread-tree.c */
/* Steps 4 and 6: children and trees in order of sent date. */
void thread_order(struct thread *x);
/* Instead of it, for REFS: first trees by the latest arrival in each, then children. */
void thread_order_latest(struct thread *x);
void thread_order_children(struct thread *x);
/* Frees what there is. */
void thread_free(struct thread *x);
/* Memory for `count` things of a size, zeroed or as p[0..had) was; counts them. Null: too much. */
void *thread_alloc(struct thread *x, void *p, size_t had, size_t count, size_t size);
void thread_release(struct thread *x, void *p, size_t count, size_t size);
/* thread-tell.c: the trees as THREAD's response has them (BASE.7.2.THREAD). */
void thread_tell(struct thread const *x);

static inline uint32_t
thread_index(struct thread const *x, uint32_t node)
{
	return x->from + node;
}
static inline int
thread_dummy(struct thread const *x, uint32_t node)
{
	return node >= x->span;
}

#endif

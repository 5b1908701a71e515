/* THREAD (RFC 5256, draft-ietf-morg-inthread). */
#include "imap/commands.h"

#include <stdlib.h>
#include <string.h>

#include "imap/limits.h"
#include "imap/reply.h"
#include "imap/sort.h"
#include "imap/sync.h"
#include "imap/thread.h"

/* The results in order of sent date. */
static void
order_by_date(struct thread *x)
{
	struct sort_criterion const date = {SORT_DATE, 0};
	struct results r = *x->r;
	if (!x->failed && sort_results(x->s, x->f, &r, &date, 1, 0) < 0)
		x->failed = 1;
	else if (!x->failed)
		x->order = r.sorted;
}

/* ORDEREDSUBJECT: the first message of each base subject is the parent of its others. */
static void
thread_ordered(struct thread *x)
{
	struct sort_criterion const by[] = {{SORT_SUBJECT, 0}, {SORT_DATE, 0}};
	struct results r = *x->r;
	unsigned char *const starts = thread_alloc(x, 0, 0, r.count / 8 + 1, 1);
	uint32_t first = THREAD_NONE;
	x->nodes = x->span;
	if (!x->failed && sort_results(x->s, x->f, &r, by, 2, starts) < 0)
		x->failed = 1;
	x->parent = thread_alloc(x, 0, 0, x->nodes, sizeof *x->parent);
	for (uint32_t k = 0; k < r.count && !x->failed; k++) {
		int const start = starts[k / 8] >> (k % 8) & 1;
		uint32_t const v = r.sorted[k] - x->from;
		x->parent[v] = start ? THREAD_NONE : first;
		first = start ? v : first;
	}
	thread_release(x, starts, r.count / 8 + 1, 1);
	free(r.sorted);
	order_by_date(x);
	if (!x->failed)
		thread_order(x);
}

static void
thread_references(struct thread *x)
{
	thread_columns(x);
	thread_link(x);
	order_by_date(x);
	if (!x->failed)
		thread_join(x);
	if (!x->failed)
		thread_order(x);
}

static void
thread_refs(struct thread *x)
{
	thread_columns(x);
	thread_link(x);
	if (!x->failed)
		thread_order_latest(x);
	order_by_date(x);
	if (!x->failed)
		thread_order_children(x);
}

/* RFC 5256 section 5, thread-alg. */
static struct algorithm {
	char const *name;
	void (*fn)(struct thread *x);
} const algorithms[] = {{"ORDEREDSUBJECT", thread_ordered}, {"REFERENCES", thread_references},
    {"REFS", thread_refs}, {0, 0}};

static struct algorithm const *
algorithm_parse(struct parse *p)
{
	for (struct algorithm const *a = algorithms; a->name; a++)
		if (parse_take_word(p, a->name))
			return a;
	parse_fail(p, "Unknown threading algorithm");
	return 0;
}

static char const *
thread_and_tell(struct session *s, struct algorithm const *a, struct results *r)
{
	struct thread x = {.s = s,
	    .f = s->folder,
	    .h = HAND_ZERO,
	    .r = r,
	    .from = r->from,
	    .span = r->to - r->from,
	    .first = THREAD_NONE};
	char const *reply = DONE;
	if ((uint64_t)r->count * SORT_OCTETS > s->search_memory)
		return REPLY_SORT_LIMIT;
	if (r->count) {
		(void)folder_map_texts(s->folder); /* until thread_free */
		a->fn(&x);
	}
	if (!x.failed) {
		net_deadline(&s->net, s->write_seconds);
		thread_tell(&x);
	} else if (!s->ended)
		reply = REPLY_SORT_LIMIT;
	thread_free(&x);
	return reply;
}

char const *
cmd_thread(struct session *s, struct parse *p)
{
	struct search q = SEARCH_ZERO;
	struct results r;
	struct results_need const all = {0, 0, 0};
	struct algorithm const *a;
	char const *reply = BAD;
	if (parse_sp(p) && (a = algorithm_parse(p)) && parse_sp(p) &&
	    search_parse_criteria(p, &q)) {
		reply = q.badcharset ? REPLY_CHARSET : DONE;
		if (reply == DONE) {
			if (q.modseq)
				sync_condstore(s);
			search_bind(&q, s, s->folder);
			if (results_beyond(s, &q))
				reply = reply_format(s, REPLY_MESSAGELIMIT, s->message_limit);
			else if (!results_search(&r, s, s->folder, &q, &all, 0))
				reply = thread_and_tell(s, a, &r);
		}
	}
	search_free(&q);
	return reply;
}

#include "imap/results.h"

#include "imap/messages.h"

#define MAP_WORTH                                                                                  \
	1000 /* messages for which mapping the folder's texts costs less than reading them */

void
results_make(struct results *r, struct arena *a, uint32_t from, uint32_t to)
{
	*r = (struct results){arena_zalloc(a, (to - from) / 8 + 1), from, to, 0, 0};
}

void
results_add(struct results *r, uint32_t i)
{
	unsigned char *b = &r->bits[(i - r->from) / 8];
	unsigned char const bit = (unsigned char)(1u << ((i - r->from) % 8));
	r->count += !(*b & bit);
	*b |= bit;
}

/* The first index from i on that is set. */
static uint32_t
forward(struct results const *r, uint32_t i)
{
	while (i < r->to) {
		if (!((i - r->from) % 8) && !r->bits[(i - r->from) / 8])
			i += 8;
		else if (results_has(r, i))
			return i;
		else
			i++;
	}
	return RESULTS_END;
}

/* The last index before i that is set. */
static uint32_t
backward(struct results const *r, uint32_t i)
{
	while (i > r->from) {
		if (!((i - r->from) % 8) && !r->bits[(i - r->from) / 8 - 1])
			i -= 8;
		else if (results_has(r, --i))
			return i;
	}
	return RESULTS_END;
}

uint32_t
results_first(struct results const *r)
{
	return r->sorted ? (r->count ? 0 : RESULTS_END) : forward(r, r->from);
}

uint32_t
results_last(struct results const *r)
{
	return r->sorted ? (r->count ? r->count - 1 : RESULTS_END) : backward(r, r->to);
}

uint32_t
results_next(struct results const *r, uint32_t place)
{
	if (r->sorted)
		return place + 1 < r->count ? place + 1 : RESULTS_END;
	return forward(r, place + 1);
}

uint32_t
results_before(struct results const *r, uint32_t place)
{
	if (r->sorted)
		return place ? place - 1 : RESULTS_END;
	return backward(r, place);
}

struct run {
	struct results *r;
	struct session *s;
	struct folder *f;
	struct search *q;
	struct hand h;
	struct progress own;
	struct progress const *progress;
};

/* One message: 0; -1 when the session ends. */
static int
look(struct run *x, uint32_t i)
{
	x->own.done++;
	if (hand_stopped(&x->h, x->s, i))
		return -1;
	progress_tell(x->s, x->progress);
	if (search_message(x->q, &x->h, x->f, i) == YES)
		results_add(x->r, i);
	return 0;
}

/* From the beginning until so many have been found: *end is where it stopped. */
static int
look_forward(struct run *x, struct set const *among, uint32_t enough, uint32_t *end)
{
	MESSAGES_EACH(among, r, i)
	{
		if (look(x, i) < 0)
			return -1;
		*end = i + 1;
		if (x->r->count == enough)
			return 0;
	}
	return 0;
}

/* From the end down to `begin`. */
static int
look_backward(struct run *x, struct set const *among, uint32_t enough, uint32_t begin)
{
	for (size_t k = among->n; k--;)
		for (uint32_t i = among->r[k].hi + 1; i-- > among->r[k].lo;) {
			if (i < begin)
				return 0;
			if (look(x, i) < 0)
				return -1;
			if (x->r->count == enough)
				return 0;
		}
	return 0;
}

/* Does every candidate match, without a look at any? */
static int
all_match(struct search const *q, struct folder const *f)
{
	struct search_key const *k = q->root;
	unsigned int sets = 0;
	if (k->kind == SEARCH_AND)
		k = k->child;
	else if (k->kind != SEARCH_ALL)
		return 0;
	for (; k; k = k->next) {
		if (k->kind != SEARCH_ALL && k->kind != SEARCH_SET)
			return 0;
		sets += k->kind == SEARCH_SET;
	}
	return sets < 2 && !folder_any_gone(f);
}

static void
take_all(struct results *all, struct set const *among)
{
	MESSAGES_EACH(among, r, i)
	results_add(all, i);
}

int
results_beyond(struct session *s, struct search const *q)
{
	struct set const among = search_candidates(q, &s->arena, s->folder);
	return s->message_limit && messages_count(&among) > s->message_limit;
}

int
results_search(struct results *r, struct session *s, struct folder *f, struct search *q,
    struct results_need const *need, struct progress const *progress)
{
	struct run x = {r, s, f, q, HAND_ZERO, {0, 0}, progress};
	struct set among = search_candidates(q, &s->arena, f);
	if (need->limited)
		messages_limit(s, &among, 0);
	int const all = !need->first && !need->last;
	uint32_t const from = among.n ? among.r[0].lo : 0;
	uint32_t end = from;
	int ok = 0, mapped = 0;
	results_make(r, &s->arena, from, among.n ? among.r[among.n - 1].hi + 1 : 0);
	if (all && all_match(q, f)) {
		take_all(r, &among);
		return 0;
	}
	x.own.goal = messages_count(&among);
	if (!progress)
		x.progress = &x.own;
	if (all)
		search_columns(q, s, f, &among);
	/* Each will be looked at, and nothing but what the folder keeps decides of most. */
	if (x.own.goal >= MAP_WORTH && q->common)
		mapped = folder_map_texts(f);
	if (all || need->first)
		ok = look_forward(&x, &among, all ? UINT32_MAX : need->first, &end);
	if (!ok && need->last)
		ok = look_backward(&x, &among, r->count + need->last, end);
	if (mapped)
		folder_unmap_texts(f);
	search_columns_end(q);
	hand_free(&x.h);
	return ok;
}

/* What others changed and the client is to be told, and what it has heard of that so far. */
#include <stdlib.h>

#include "lib/sa.h"
#include "maildir/folder-state.h"
#include "maildir/limits.h"

static void
heard_add(struct folder *f, uint32_t position, struct record const *was)
{
	struct heard_list *const h = &f->heard;
	if (h->count == MAILDIR_HEARD)
		return;
	if (h->count == h->room) {
		h->room = h->room ? 2 * h->room : 16;
		h->at = xrealloc(h->at, h->room, sizeof *h->at);
	}
	h->unsorted |= h->count && position < h->at[h->count - 1].position;
	h->at[h->count++] = (struct heard){was->modseq, was->keywords, position, was->flags};
}

void
record_changed(struct folder *f, uint32_t position, struct record const *was)
{
	struct record *r = folder_at(f, position);
	f->pending |= FOLDER_FLAGS;
	if (r->state & RECORD_CHANGED)
		return; /* what was heard is older still */
	r->state |= RECORD_CHANGED;
	numbers_add(&f->changed, position);
	heard_add(f, position, was);
}

void
folder_tell_flags(struct folder *f, uint32_t i)
{
	uint32_t const p = folder_position(f, i);
	record_changed(f, p, folder_at(f, p));
}

void
folder_forget_heard(struct folder *f)
{
	uint32_t left = 0;
	for (uint32_t k = 0; k < f->heard.count; k++)
		if (folder_at(f, f->heard.at[k].position)->state & RECORD_CHANGED)
			f->heard.at[left++] = f->heard.at[k];
	f->heard.count = left;
	if (!f->changed.count)
		folder_free_changed(f);
}

void
folder_free_changed(struct folder *f)
{
	numbers_free(&f->changed);
	free(f->heard.at);
	f->heard = (struct heard_list){0};
}

static int
by_position(void const *a, void const *b)
{
	uint32_t const x = ((struct heard const *)a)->position;
	uint32_t const y = ((struct heard const *)b)->position;
	return (x > y) - (x < y);
}

/* Null: it was one too many to be kept. */
static struct heard const *
find(struct folder *f, uint32_t position)
{
	struct heard_list *const h = &f->heard;
	struct heard const key = {.position = position};
	if (h->unsorted)
		qsort(h->at, h->count, sizeof *h->at, by_position);
	h->unsorted = 0;
	return h->count ? bsearch(&key, h->at, h->count, sizeof *h->at, by_position) : 0;
}

int
folder_heard(
    struct folder *f, uint32_t i, uint64_t since, unsigned int *flags, struct keyword_set *keywords)
{
	uint32_t const p = folder_position(f, i);
	struct record const *r = folder_at(f, p);
	struct heard const now = {r->modseq, r->keywords, p, r->flags},
			   *h = r->state & RECORD_CHANGED ? find(f, p) : &now;
	*flags = h ? h->flags : 0;
	*keywords = h ? h->keywords : (struct keyword_set){0};
	return h && h->modseq <= since;
}

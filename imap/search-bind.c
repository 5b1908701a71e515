/* What a search means in one folder: its sets and keywords as indexes and numbers there. */
#include "imap/search.h"

#include <string.h>
#include <time.h>

#include "imap/messages.h"
#include "imap/saved.h"
#include "imap/sync.h"

static void
bind_set(struct search_key *k, struct session *s, struct folder *f)
{
	if (k->numbers == NUMBERS_SAVED) {
		/* "$" is of the selected folder. */
		k->set = f == s->folder ? saved_messages(s, &s->arena) : (struct set){0, 0};
		return;
	}
	memcpy(k->set.r, k->given.r, k->given.n * sizeof *k->set.r);
	k->set.n = k->given.n;
	messages_resolve(f, &k->set, k->numbers == NUMBERS_UID);
}

static void
bind_key(struct search_key *k, struct session *s, struct folder *f)
{
	for (; k; k = k->next) {
		if (k->kind == SEARCH_SET) {
			/* RFC 7162 3.2.10.2: in UID SEARCH, too */
			s->numbers |= k->numbers == NUMBERS_SEQUENCE;
			bind_set(k, s, f);
		} else if (k->kind == SEARCH_KEYWORD)
			k->keyword_number = folder_keyword(f, k->keyword.s, k->keyword.len, 0);
		k->at = 0;
		bind_key(k->child, s, f);
	}
}

void
search_bind(struct search *q, struct session *s, struct folder *f)
{
	q->now = time(0);
	if (q->modseq) {
		sync_condstore(s);
		(void)folder_last_modseqs(f);
	}
	bind_key(q->root, s, f);
}

static void
fix_key(struct search_key *k, struct arena *a, struct folder *f)
{
	for (; k; k = k->next) {
		if (k->kind == SEARCH_SET && k->numbers != NUMBERS_UID) {
			k->given =
			    (struct set){arena_alloc(a, k->set.n * sizeof *k->set.r), k->set.n};
			for (size_t i = 0; i < k->set.n; i++)
				k->given.r[i] = (struct range){
				    folder_uid(f, k->set.r[i].lo), folder_uid(f, k->set.r[i].hi)};
			k->set = set_copy(a, &k->set);
			k->numbers = NUMBERS_UID;
		}
		fix_key(k->child, a, f);
	}
}

void
search_fix(struct search *q, struct arena *a, struct folder *f)
{
	fix_key(q->root, a, f);
}

struct set
search_candidates(struct search const *q, struct arena *a, struct folder *f)
{
	struct search_key const *k = q->root;
	if (k->kind == SEARCH_AND)
		for (k = k->child; k && k->kind != SEARCH_SET; k = k->next)
			;
	if (k && k->kind == SEARCH_SET)
		return k->set;
	uint32_t const count = folder_count(f);
	struct set all = {arena_alloc(a, sizeof *all.r), count != 0};
	*all.r = (struct range){0, count - 1};
	return all;
}

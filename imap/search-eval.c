/* Does a message match? Keys are tried level by level, cheap ones first: the message is opened only
 * when flags, sets and what the folder keeps of it leave the question open, and its body read only
 * when the header does. */
#include "imap/search.h"

#include <string.h>

#include "imap/object-id.h"
#include "lib/date.h"
#include "lib/header.h"

enum level { LEVEL_FOLDER, LEVEL_FILE, LEVEL_CACHED, LEVEL_HEADER, LEVEL_BODY };

struct eval {
	struct search *q;
	struct hand *h;
	struct folder *f;
	uint32_t i;
	struct date_memo *dates;
	enum level level;
};

static enum verdict
verdict_of(int yes)
{
	return yes ? YES : NO;
}

static int64_t
day_of(int64_t t)
{
	return t / 86400 - (t % 86400 < 0);
}

static int64_t
local_day(struct eval const *e, int64_t t)
{
	return day_of(t + 60 * date_memo_zone(e->dates, t));
}

/* kind: SEARCH_BEFORE, ON, SINCE, or the SENT or SAVED ones, in this order. */
static enum verdict
compare_day(enum search_kind kind, enum search_kind before, int64_t day, int64_t with)
{
	switch (kind - before) {
	case 0:
		return verdict_of(day < with);
	case 1:
		return verdict_of(day == with);
	default:
		return verdict_of(day >= with);
	}
}

/* RFC 3501 6.4.4: the day disregards time and zone; INTERNALDATE's is that of the server's zone. */
static enum verdict
eval_date(struct eval const *e, struct search_key const *k)
{
	struct timespec t;
	if (folder_internaldate(e->f, e->i, &t) < 0)
		return NO;
	/* RFC 5032 section 2: to the second, the second itself matches both. */
	if (k->kind == SEARCH_OLDER)
		return verdict_of(t.tv_sec <= e->q->now - k->number);
	if (k->kind == SEARCH_YOUNGER)
		return verdict_of(t.tv_sec >= e->q->now - k->number);
	return compare_day(k->kind, SEARCH_BEFORE, local_day(e, t.tv_sec), k->day);
}

/* RFC 8514 4.3 */
static enum verdict
eval_saved(struct eval const *e, struct search_key const *k)
{
	int64_t t;
	if (folder_savedate(e->f, e->i, &t) <= 0)
		return NO;
	return compare_day(k->kind, SEARCH_SAVEDBEFORE, local_day(e, t), k->day);
}

/* RFC 8474 section 6: exactly, and case counts. */
static enum verdict
eval_emailid(struct eval const *e, struct search_key const *k)
{
	stralloc id = STRALLOC_ZERO;
	int same = !emailid_put(&id, e->f, e->i) && id.len == k->text.len &&
		   !memcmp(id.s, k->text.s, id.len);
	stralloc_free(&id);
	return verdict_of(same);
}

/* The same of the thread; above LEVEL_CACHED the header may be read for it. */
static enum verdict
eval_threadid(struct eval const *e, struct search_key const *k)
{
	stralloc id = STRALLOC_ZERO;
	int r = threadid_put(&id, e->h, e->level < LEVEL_HEADER);
	int same = !r && id.len == k->text.len && !memcmp(id.s, k->text.s, id.len);
	stralloc_free(&id);
	return r < 0 && e->level < LEVEL_HEADER ? UNKNOWN : verdict_of(same);
}

static enum verdict
eval_size(struct eval const *e, struct search_key const *k)
{
	uint64_t size;
	if (folder_size(e->f, e->i, &size) < 0)
		return NO;
	return verdict_of(k->kind == SEARCH_LARGER ? size > k->number : size < k->number);
}

/* The day as it is written in the Date field; without a date it is the first of 1970. */
static enum verdict
eval_sent(struct search_key const *k, char const *header, size_t n)
{
	struct header_field field;
	int64_t t = 0;
	int zone = 0;
	if (header_find(header, n, "Date", &field) &&
	    date_parse(field.body, field.body_len, &t, &zone) < 0)
		t = zone = 0;
	return compare_day(k->kind, SEARCH_SENTBEFORE, day_of(t + 60 * zone), k->day);
}

/* Of one field, of which the message's header or the kept part of it is given. */
static enum verdict
eval_field(struct search_key *k, char const *header, size_t n)
{
	if (k->kind == SEARCH_HEADER)
		return verdict_of(search_header(k, header, n, k->name));
	return eval_sent(k, header, n);
}

static enum verdict
eval_keyword(struct eval const *e, struct search_key const *k)
{
	struct keyword_set set = folder_keyword_set(e->f, e->i);
	return verdict_of(
	    k->keyword_number >= 0 && keyword_has(&set, (unsigned int)k->keyword_number));
}

/* A key of a field that the folder keeps: from what it has of this message; at the next level that
 * is made first. */
static enum verdict
eval_common(struct eval const *e, struct search_key *k)
{
	size_t n;
	char const *kept = e->level == LEVEL_CACHED ? hand_cached(e->h, TEXT_HEADERS, &n)
						    : hand_text(e->h, TEXT_HEADERS, &n);
	return kept ? eval_field(k, kept, n) : UNKNOWN;
}

static enum verdict
eval_header(struct eval const *e, struct search_key *k)
{
	enum verdict v = k->common ? eval_common(e, k) : UNKNOWN;
	if (v != UNKNOWN || e->level < LEVEL_HEADER)
		return v;
	struct mime_part const *p = hand_header(e->h);
	if (!p)
		return NO;
	/* What is not in the header may be in the body. */
	if (k->kind == SEARCH_TEXT)
		return search_header(k, e->h->s, p->body, 0) ? YES : UNKNOWN;
	return eval_field(k, e->h->s, p->body);
}

/* A key that is no combination of others. */
static enum verdict
eval_leaf(struct eval const *e, struct search_key *k)
{
	switch (k->kind) {
	case SEARCH_ALL:
		return YES;
	case SEARCH_SET:
		return verdict_of(set_has(&k->set, e->i));
	case SEARCH_FLAGS:
		return verdict_of((folder_flags(e->f, e->i) & k->mask) == k->want);
	case SEARCH_KEYWORD:
		return eval_keyword(e, k);
	case SEARCH_MODSEQ:
		return verdict_of(folder_modseq(e->f, e->i) >= k->modseq);
	case SEARCH_BEFORE:
	case SEARCH_ON:
	case SEARCH_SINCE:
	case SEARCH_OLDER:
	case SEARCH_YOUNGER:
		return e->level >= LEVEL_FILE ? eval_date(e, k) : UNKNOWN;
	case SEARCH_SAVEDBEFORE:
	case SEARCH_SAVEDON:
	case SEARCH_SAVEDSINCE:
		return e->level >= LEVEL_FILE ? eval_saved(e, k) : UNKNOWN;
	case SEARCH_EMAILID:
		return e->level >= LEVEL_FILE ? eval_emailid(e, k) : UNKNOWN;
	case SEARCH_THREADID:
		return e->level >= LEVEL_CACHED ? eval_threadid(e, k) : UNKNOWN;
	case SEARCH_LARGER:
	case SEARCH_SMALLER:
		return e->level >= LEVEL_FILE ? eval_size(e, k) : UNKNOWN;
	case SEARCH_BODY:
		return UNKNOWN; /* search_body decides */
	case SEARCH_HEADER:
		if (e->i < k->known)
			return verdict_of(k->found[e->i / 8] >> (e->i % 8) & 1);
		/* fall through */
	default:
		return e->level >= LEVEL_CACHED ? eval_header(e, k) : UNKNOWN;
	}
}

static enum verdict
eval(struct eval const *e, struct search_key *k)
{
	enum verdict v, all;
	switch (k->kind) {
	case SEARCH_NOT:
		v = eval(e, k->child);
		return v == UNKNOWN ? UNKNOWN : verdict_of(v == NO);
	case SEARCH_AND:
	case SEARCH_OR:
		/* One NO decides an AND, one YES an OR. */
		all = k->kind == SEARCH_AND ? YES : NO;
		for (struct search_key *c = k->child; c; c = c->next) {
			v = eval(e, c);
			if (v != UNKNOWN && v != (k->kind == SEARCH_AND ? YES : NO))
				return v;
			if (v == UNKNOWN)
				all = UNKNOWN;
		}
		return all;
	default:
		if (k->at != e->i + 1 || k->verdict == UNKNOWN) {
			k->verdict = eval_leaf(e, k);
			k->at = e->i + 1;
		}
		return k->verdict;
	}
}

int
search_open(struct search *q, struct folder *f, uint32_t i)
{
	struct eval const e = {q, 0, f, i, &q->dates, LEVEL_FILE};
	return !folder_gone(f, i) && eval(&e, q->root) == UNKNOWN;
}

enum verdict
search_message(struct search *q, struct hand *h, struct folder *f, uint32_t i)
{
	struct eval e = {q, h, f, i, &q->dates, LEVEL_FOLDER};
	enum verdict v;
	if (folder_gone(f, i))
		return NO;
	hand_take(h, f, i);
	for (;; e.level++) {
		if (e.level == LEVEL_BODY)
			search_body(q, h);
		v = eval(&e, q->root);
		if (v != UNKNOWN || e.level == LEVEL_BODY)
			return v == YES ? YES : NO;
	}
}

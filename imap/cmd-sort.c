/* SORT (RFC 5256), with the criteria of RFC 5957 and the results of ESORT (RFC 5267 section 3). */
#include "imap/commands.h"

#include <stdlib.h>

#include "imap/context.h"
#include "imap/limits.h"
#include "imap/reply.h"
#include "imap/saved.h"
#include "imap/search-return.h"
#include "imap/sync.h"
#include "imap/sort.h"
#include "lib/imap-text.h"
#include "lib/sa.h"

struct sort {
	struct sort_criterion by[LIMIT_CRITERIA];
	unsigned int count, given; /* given: with those that stand there twice */
	struct search_return want;
};

/* RFC 5256 section 5, sort-key; in the order of enum sort_key. */
static char const *const names[] = {
    "ARRIVAL", "CC", "DATE", "DISPLAYFROM", "DISPLAYTO", "FROM", "SIZE", "SUBJECT", "TO"};

static int
criterion_parse(struct parse *p, struct sort *x)
{
	unsigned int k = 0;
	if (x->given++ == LIMIT_CRITERIA)
		return parse_fail(p, "Too many sort criteria");
	int const reverse = parse_take_word(p, "REVERSE");
	if (reverse && !parse_sp(p))
		return 0;
	while (k < sizeof names / sizeof *names && !parse_take_word(p, names[k]))
		k++;
	if (k == sizeof names / sizeof *names)
		return parse_fail(p, "Unknown sort criterion");
	/* Behind the first of its kind it decides nothing. */
	for (unsigned int j = 0; j < x->count; j++)
		if (x->by[j].key == (enum sort_key)k)
			return 1;
	x->by[x->count++] = (struct sort_criterion){k, reverse};
	return 1;
}

static int
criteria_parse(struct parse *p, struct sort *x)
{
	if (!parse_char(p, '('))
		return 0;
	do
		if (!criterion_parse(p, x))
			return 0;
	while (parse_take(p, ' '));
	return parse_char(p, ')') && parse_sp(p);
}

/* RFC 5256 section 4, BASE.7.2.SORT */
static void
tell_sort(struct session *s, struct results const *r)
{
	net_puts(&s->net, "* SORT");
	for (uint32_t k = 0; k < r->count; k++) {
		uint32_t const i = r->sorted[k];
		net_put_number(&s->net, ' ', s->uid ? folder_uid(s->folder, i) : i + 1);
	}
	net_puts(&s->net, "\r\n");
}

/* RFC 5267 4.3.1: results in an order are not kept up to date. */
static void
refuse_update(struct session *s)
{
	sa_cats(&s->out, "* NO [NOUPDATE ");
	imap_string(&s->out, s->tag, strlen(s->tag));
	sa_cats(&s->out, "] " REPLY_NOUPDATE_SORT "\r\n");
	reply_out(s);
}

static char const *
sort_and_tell(struct session *s, struct sort const *x, struct search const *q, struct results *r)
{
	char const *reply = DONE;
	if ((uint64_t)r->count * SORT_OCTETS > s->search_memory)
		return REPLY_SORT_LIMIT;
	if (!sort_results(s, s->folder, r, x->by, x->count, 0)) {
		net_deadline(&s->net, s->write_seconds);
		if (x->want.given)
			reply = search_answer(s, q, &x->want, r);
		else
			tell_sort(s, r);
		if (x->want.options & RETURN_UPDATE)
			refuse_update(s);
	}
	free(r->sorted);
	r->sorted = 0;
	return reply;
}

char const *
cmd_sort(struct session *s, struct parse *p)
{
	struct sort x = {.count = 0};
	struct search q = SEARCH_ZERO;
	struct results r;
	struct results_need const all = {0, 0, 0};
	char const *reply = BAD;
	if (parse_sp(p) && search_return_parse(p, &x.want) && criteria_parse(p, &x) &&
	    search_parse_criteria(p, &q) &&
	    (!(x.want.options & RETURN_UPDATE) || context_tag_free(s, p))) {
		reply = q.badcharset ? REPLY_CHARSET : DONE;
		if (reply == DONE) {
			if (q.modseq)
				sync_condstore(s);
			search_bind(&q, s, s->folder);
			if (results_beyond(s, &q))
				reply = reply_format(s, REPLY_MESSAGELIMIT, s->message_limit);
			else if (!results_search(&r, s, s->folder, &q, &all, 0))
				reply = sort_and_tell(s, &x, &q, &r);
		}
		/* RFC 5182 2.1 */
		if (x.want.options & RETURN_SAVE && reply != DONE)
			saved_forget(s);
	}
	search_free(&q);
	return reply;
}

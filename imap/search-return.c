#include "imap/search-return.h"

#include <string.h>

#include "imap/mailbox.h"
#include "imap/messages.h"
#include "imap/reply.h"
#include "lib/imap-text.h"
#include "lib/sa.h"

/* In the order of the bits. */
static char const *const names[] = {
    "MIN", "MAX", "ALL", "COUNT", "PARTIAL", "SAVE", "CONTEXT", "UPDATE"};

static int
option_parse(struct parse *p, struct search_return *o)
{
	unsigned int k = 0;
	while (k < sizeof names / sizeof *names && !parse_take_word(p, names[k]))
		k++;
	if (k == sizeof names / sizeof *names)
		return parse_fail(p, "Unknown return option");
	unsigned int const bit = 1u << k, both = RETURN_PARTIAL | RETURN_ALL;
	/* RFC 9394 3.1: one PARTIAL, one ALL, or neither. */
	if (bit & both && o->options & both && (o->options | bit) & RETURN_PARTIAL)
		return parse_fail(p, "Only one of PARTIAL and ALL");
	o->options |= bit;
	return bit != RETURN_PARTIAL || (parse_sp(p) && partial_range_parse(p, &o->partial));
}

int
search_return_parse(struct parse *p, struct search_return *o)
{
	*o = (struct search_return){0};
	if (!parse_take_word(p, "RETURN"))
		return 1;
	o->given = 1;
	if (!parse_sp(p) || !parse_char(p, '('))
		return 0;
	if (parse_take(p, ')')) {
		o->options = RETURN_ALL;
		return parse_sp(p);
	}
	do
		if (!option_parse(p, o))
			return 0;
	while (parse_take(p, ' '));
	return parse_char(p, ')') && parse_sp(p);
}

int
partial_range_parse(struct parse *p, struct partial *x)
{
	size_t const from = p->pos;
	x->last = parse_take(p, '-');
	if (!parse_nznumber(p, &x->lo) || !parse_char(p, ':') || (x->last && !parse_char(p, '-')) ||
	    !parse_nznumber(p, &x->hi))
		return 0;
	x->text.len = p->pos - from;
	x->text.s = arena_strndup(p->arena, p->line + from, x->text.len);
	if (x->lo > x->hi) {
		uint32_t const lo = x->hi;
		x->hi = x->lo;
		x->lo = lo;
	}
	return 1;
}

void
partial_set(struct partial const *x, struct set *m)
{
	uint64_t const count = messages_count(m);
	/* Counted from 0: of the messages [from, to). */
	uint64_t from = x->last ? (x->hi < count ? count - x->hi : 0) : x->lo - 1;
	uint64_t to = x->last ? (x->lo <= count ? count - x->lo + 1 : 0) : x->hi, at = 0;
	size_t n = 0;
	for (size_t k = 0; k < m->n; k++) {
		struct range const r = m->r[k];
		uint64_t const end = at + (r.hi - r.lo) + 1;
		uint64_t const lo = from > at ? from : at, hi = to < end ? to : end;
		if (lo < hi)
			m->r[n++] = (struct range){
			    r.lo + (uint32_t)(lo - at), r.lo + (uint32_t)(hi - 1 - at)};
		at = end;
	}
	m->n = n;
}

struct results_need
search_return_need(struct search_return const *o)
{
	struct results_need need = {0, 0, 0};
	if (!(o->options & (RETURN_MIN | RETURN_MAX | RETURN_PARTIAL)) ||
	    o->options & (RETURN_ALL | RETURN_COUNT | RETURN_UPDATE))
		return need;
	if (o->options & RETURN_PARTIAL)
		*(o->partial.last ? &need.last : &need.first) = o->partial.hi;
	if (o->options & RETURN_MIN && !need.first)
		need.first = 1;
	if (o->options & RETURN_MAX && !need.last)
		need.last = 1;
	return need;
}

/* The places of PARTIAL's range, in the order of the results: how many, and the first. */
static uint32_t
partial_places(struct partial const *x, struct results const *r, uint32_t *place)
{
	uint32_t n, at = x->last ? results_last(r) : results_first(r);
	for (n = 1; n < x->lo && at != RESULTS_END; n++)
		at = x->last ? results_before(r, at) : results_next(r, at);
	*place = at;
	if (at == RESULTS_END)
		return 0;
	for (n = 1; n <= x->hi - x->lo; n++) {
		at = x->last ? results_before(r, at) : results_next(r, at);
		if (at == RESULTS_END)
			break;
		if (x->last)
			*place = at;
	}
	return n;
}

struct results
search_return_kept(struct search_return const *o, struct results const *r, struct arena *a)
{
	struct results kept;
	uint32_t at, n;
	if (!r->count || o->options & (RETURN_ALL | RETURN_COUNT) ||
	    !(o->options & (RETURN_MIN | RETURN_MAX | RETURN_PARTIAL)))
		return *r;
	results_make(&kept, a, r->from, r->to);
	if (o->options & RETURN_MIN)
		results_add(&kept, results_index(r, results_first(r)));
	if (o->options & RETURN_MAX)
		results_add(&kept, results_index(r, results_last(r)));
	if (o->options & RETURN_PARTIAL)
		for (n = partial_places(&o->partial, r, &at); n--; at = results_next(r, at))
			results_add(&kept, results_index(r, at));
	return kept;
}

uint64_t
results_modseq(struct results const *r, struct folder *f)
{
	uint64_t highest = 0;
	for (uint32_t i = r->from; i < r->to; i++)
		if (results_has(r, i) && folder_modseq(f, i) > highest)
			highest = folder_modseq(f, i);
	return highest;
}

/* ---- the response -----------------------------------------------------------------------------
 */

static uint32_t
number(struct esearch const *e, struct results const *r, uint32_t place)
{
	uint32_t const i = results_index(r, place);
	return e->uid ? folder_uid(e->folder, i) : i + 1;
}

/* n results as a sequence-set: numbers that follow each other, upwards, as ranges (RFC 5267 3.2).
 */
static void
tell_set(
    struct session *s, struct esearch const *e, struct results const *r, uint32_t place, uint32_t n)
{
	char const *before = "";
	while (n && place != RESULTS_END) {
		uint32_t const lo = number(e, r, place);
		uint32_t hi = lo;
		for (n--; (place = results_next(r, place)) != RESULTS_END && n; n--)
			if (number(e, r, place) == hi + 1)
				hi++;
			else
				break;
		net_puts(&s->net, before);
		net_putnum(&s->net, lo);
		if (hi > lo) {
			net_put(&s->net, ":", 1);
			net_putnum(&s->net, hi);
		}
		before = ",";
	}
}

void
results_tell_set(struct session *s, struct esearch const *e, struct results const *r)
{
	tell_set(s, e, r, results_first(r), r->count);
}

void
esearch_begin(struct session *s, char const *tag, struct esearch const *e)
{
	sa_cats(&s->out, "* ESEARCH (TAG ");
	imap_string(&s->out, tag, strlen(tag));
	if (e->mailbox) {
		sa_cats(&s->out, " MAILBOX ");
		mailbox_put(s, &s->out, e->mailbox);
		sa_catf(&s->out, " UIDVALIDITY %u", folder_uidvalidity(e->folder));
	}
	sa_cats(&s->out, e->uid ? ") UID" : ")");
	reply_out(s);
}

static void
tell_partial(
    struct session *s, struct esearch const *e, struct partial const *x, struct results const *r)
{
	uint32_t place, n = partial_places(x, r, &place);
	net_putf(&s->net, " PARTIAL (%s ", x->text.s);
	if (n)
		tell_set(s, e, r, place, n);
	else
		net_puts(&s->net, "NIL");
	net_puts(&s->net, ")");
}

void
search_return_tell(struct session *s, struct esearch const *e, struct search_return const *o,
    struct results const *r)
{
	esearch_begin(s, s->tag, e);
	if (r->count && o->options & RETURN_MIN)
		net_putf(&s->net, " MIN %u", number(e, r, results_first(r)));
	if (r->count && o->options & RETURN_MAX)
		net_putf(&s->net, " MAX %u", number(e, r, results_last(r)));
	if (r->count && o->options & RETURN_ALL) {
		net_puts(&s->net, " ALL ");
		results_tell_set(s, e, r);
	}
	if (o->options & RETURN_COUNT)
		net_putf(&s->net, " COUNT %u", r->count);
	if (o->options & RETURN_PARTIAL)
		tell_partial(s, e, &o->partial, r);
	if (r->count && e->modseq && o->options & RETURN_DATA) {
		struct results const kept = search_return_kept(o, r, &s->arena);
		if (kept.count) {
			net_puts(&s->net, " MODSEQ ");
			net_putnum(&s->net, results_modseq(&kept, e->folder));
		}
	}
	net_puts(&s->net, "\r\n");
}

#include "imap/qresync.h"

#include "imap/flags.h"
#include "imap/messages.h"
#include "imap/sync.h"

/* Ranges in one VANISHED response: clients read lines into memory. */
#define VANISHED_RANGES 1000

/* ---- the parameters ---------------------------------------------------------------------------
 */

/* RFC 7162 section 7, known-uids and others: "*" is not allowed. */
static int
plain_set(struct parse *p, struct set *out)
{
	if (!parse_set(p, out))
		return 0;
	for (size_t k = 0; k < out->n; k++)
		if (!out->r[k].lo || !out->r[k].hi)
			return parse_fail(p, "* is not allowed here");
	return 1;
}

/* RFC 7162 3.2.5.2: in ascending order. *count gets how many numbers it has. */
static int
ascending_set(struct parse *p, struct set *out, uint64_t *count)
{
	uint64_t last = 0;
	if (!plain_set(p, out))
		return 0;
	*count = 0;
	for (size_t k = 0; k < out->n; k++) {
		struct range const *r = &out->r[k];
		if (r->lo <= last || r->hi < r->lo)
			return parse_fail(p, "Numbers must ascend");
		last = r->hi;
		*count += last - r->lo + 1;
	}
	return 1;
}

/* "(numbers uids)" */
static int
match_parse(struct parse *p, struct select_params *q)
{
	uint64_t numbers, uids;
	if (p->uidonly)
		return parse_fail(p, ERROR_UIDREQUIRED);
	if (!parse_char(p, '(') || !ascending_set(p, &q->numbers, &numbers) || !parse_sp(p) ||
	    !ascending_set(p, &q->uids, &uids) || !parse_char(p, ')'))
		return 0;
	return numbers == uids ? 1 : parse_fail(p, "As many UIDs as numbers expected");
}

/* "(uidvalidity modseq [known-uids] [(numbers uids)])" */
static int
qresync_parse(struct session *s, struct parse *p, struct select_params *q)
{
	if (!(s->enabled & ENABLE_QRESYNC))
		return parse_fail(p, "QRESYNC is not enabled");
	if (!parse_sp(p) || !parse_char(p, '(') || !parse_nznumber(p, &q->uidvalidity) ||
	    !parse_sp(p) || !parse_number64(p, &q->modseq))
		return 0;
	if (!q->modseq)
		return parse_fail(p, "A modseq is not zero");
	int more = parse_take(p, ' ');
	if (more && parse_peek(p) != '(') {
		q->any_known = 1;
		if (!plain_set(p, &q->known))
			return 0;
		set_resolve(&q->known, 0);
		more = parse_take(p, ' ');
	}
	return (!more || match_parse(p, q)) && parse_char(p, ')');
}

int
select_params_parse(struct session *s, struct parse *p, struct select_params *q)
{
	*q = (struct select_params){0};
	if (!parse_take(p, ' '))
		return parse_end(p);
	if (!parse_char(p, '('))
		return 0;
	do {
		int *which = parse_take_word(p, "CONDSTORE") ? &q->condstore
			     : parse_take_word(p, "QRESYNC") ? &q->qresync
							     : 0;
		if (!which)
			return parse_fail(p, "Unknown parameter");
		if ((*which)++)
			return parse_fail(p, "The same parameter twice");
		if (which == &q->qresync && !qresync_parse(s, p, q))
			return 0;
	} while (parse_take(p, ' '));
	return parse_char(p, ')') && parse_end(p);
}

/* ---- VANISHED ---------------------------------------------------------------------------------
 */

void
vanished_add(struct vanished *v, uint32_t lo, uint32_t hi)
{
	struct net *n = &v->s->net;
	if (v->count == VANISHED_RANGES)
		vanished_end(v);
	net_puts(n, v->count++ ? "," : v->earlier ? "* VANISHED (EARLIER) " : "* VANISHED ");
	net_putnum(n, lo);
	if (hi > lo) {
		net_put(n, ":", 1);
		net_putnum(n, hi);
	}
}

void
vanished_end(struct vanished *v)
{
	if (v->count)
		net_puts(&v->s->net, "\r\n");
	v->count = 0;
}

static void
add_earlier(void *arg, uint32_t lo, uint32_t hi)
{
	vanished_add(arg, lo, hi);
}

void
vanished_earlier(struct session *s, struct set const *uids, uint64_t since, uint32_t from)
{
	struct vanished v = {.s = s, .earlier = 1};
	for (size_t k = 0; k < uids->n; k++) {
		uint32_t const lo = uids->r[k].lo > from ? uids->r[k].lo : from;
		if (lo <= uids->r[k].hi)
			folder_vanished(s->folder, since, lo, uids->r[k].hi, add_earlier, &v);
	}
	vanished_end(&v);
}

/* ---- SELECT (QRESYNC ...) ---------------------------------------------------------------------
 */

/* RFC 7162 3.2.5.2: up to the last pair that is still right the client knows what went. The first
 * UID behind it. */
static uint32_t
first_unsure(struct session *s, struct select_params const *q)
{
	uint32_t const count = folder_count(s->folder);
	uint32_t from = 1, uid = 0;
	size_t j = 0;
	for (size_t k = 0; k < q->numbers.n; k++)
		for (uint32_t i = q->numbers.r[k].lo; i <= q->numbers.r[k].hi && i <= count; i++) {
			uid = uid && uid < q->uids.r[j - 1].hi ? uid + 1 : q->uids.r[j++].lo;
			/* Once a message before it went, none behind matches. */
			if (folder_uid(s->folder, i - 1) != uid)
				return from;
			from = uid + 1;
		}
	return from;
}

void
qresync_tell(struct session *s, struct select_params const *q)
{
	uint32_t const next = folder_uidnext(s->folder);
	struct range all = {1, next - 1};
	struct set known = {&all, next > 1};
	if (folder_uidvalidity(s->folder) != q->uidvalidity)
		return;
	if (q->any_known)
		known = set_copy(&s->arena, &q->known);
	vanished_earlier(s, &known, q->modseq, first_unsure(s, q));
	messages_resolve(s->folder, &known, 1);
	MESSAGES_EACH(&known, r, i)
	{
		if (!(i % 64) && session_stopped(s))
			return;
		if (folder_modseq(s->folder, i) > q->modseq)
			flags_tell(s, i, 1);
	}
	s->told.modseq = 0; /* HIGHESTMODSEQ came with this command: it counts */
}

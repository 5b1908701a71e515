/* SEARCH (RFC 3501 6.4.4), with the results of ESEARCH (RFC 4731) and IMAP4rev2 (RFC 9051 6.4.4).
 */
#include "imap/commands.h"

#include "imap/context.h"
#include "imap/limits.h"
#include "imap/reply.h"
#include "imap/saved.h"
#include "imap/search-return.h"
#include "imap/sync.h"

/* RFC 3501 7.2.5, with the end of RFC 7162 3.1.6 */
static void
tell_search(struct session *s, struct results const *r, int modseq)
{
	net_puts(&s->net, "* SEARCH");
	for (uint32_t i = results_first(r); i != RESULTS_END; i = results_next(r, i))
		net_put_number(&s->net, ' ', s->uid ? folder_uid(s->folder, i) : i + 1);
	if (modseq && r->count) {
		net_puts(&s->net, " (MODSEQ ");
		net_putnum(&s->net, results_modseq(r, s->folder));
		net_puts(&s->net, ")");
	}
	net_puts(&s->net, "\r\n");
}

char const *
search_answer(struct session *s, struct search const *q, struct search_return const *o,
    struct results const *r)
{
	struct esearch const e = {s->folder, s->uid, 0, q->modseq};
	net_deadline(&s->net, s->write_seconds);
	/* RFC 9051 6.4.4: SAVE alone suppresses the response. */
	if (o->options & RETURN_DATA || !(o->options & RETURN_SAVE))
		search_return_tell(s, &e, o, r);
	if (!(o->options & RETURN_SAVE))
		return DONE;
	struct results const kept = search_return_kept(o, r, &s->arena);
	return saved_keep(s, &kept) < 0 ? REPLY_NOTSAVED : DONE;
}

/* c: null, or the context that is to be kept up to date. */
static char const *
run(struct session *s, struct search *q, struct search_return const *o, struct context *c)
{
	struct results r;
	struct results_need need = search_return_need(o);
	need.limited = 1;
	if (q->modseq) {
		sync_condstore(s);
		sync_modseqs(s);
	}
	search_bind(q, s, s->folder);
	/* Places of a page are those among all. */
	if (o->options & RETURN_PARTIAL && results_beyond(s, q)) {
		if (c)
			context_free(c);
		return reply_format(s, REPLY_MESSAGELIMIT, s->message_limit);
	}
	if (results_search(&r, s, s->folder, q, &need, 0) < 0) {
		if (c)
			context_free(c);
		return DONE;
	}
	if (!o->given) {
		net_deadline(&s->net, s->write_seconds);
		tell_search(s, &r, q->modseq);
		return DONE;
	}
	char const *reply = search_answer(s, q, o, &r);
	if (c)
		context_keep(s, c, &r);
	return reply;
}

/* Reads the keys, into the context's memory if there is one, and searches. */
static char const *
search(struct session *s, struct parse *p, struct search_return const *o, struct context *c)
{
	struct search own = SEARCH_ZERO, *const q = c ? &c->q : &own;
	char const *reply;
	if (c)
		p->arena = &c->arena;
	int const parsed = search_parse(p, q);
	p->arena = &s->arena;
	if (parsed && !q->badcharset)
		reply = run(s, q, o, c);
	else {
		reply = parsed ? REPLY_CHARSET : BAD;
		if (c)
			context_free(c);
	}
	search_free(&own);
	/* RFC 5182 2.1: a SAVE that fails leaves nothing, one that is BAD all as it was. */
	if (o->options & RETURN_SAVE && reply != DONE && reply != BAD)
		saved_forget(s);
	return reply;
}

char const *
cmd_search(struct session *s, struct parse *p)
{
	struct search_return o;
	struct context *c = 0;
	if (!parse_sp(p) || !search_return_parse(p, &o))
		return BAD;
	/* RFC 9051 6.4.4: ESEARCH alone, and ALL if nothing is asked for. */
	if (!o.given && s->enabled & ENABLE_REV2)
		o = (struct search_return){.given = 1, .options = RETURN_ALL};
	if (o.options & RETURN_UPDATE && !(c = context_new(s, p)))
		return BAD;
	return search(s, p, &o, c);
}

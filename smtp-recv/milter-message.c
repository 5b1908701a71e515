/* Filters and the message itself: each in turn gets header and body as those before it have left
 * them, and its changes count when its verdict has come. */
#include <errno.h>
#include <string.h>

#include "lib/log.h"
#include "lib/sa.h"
#include "smtp-recv/envelope-change.h"
#include "smtp-recv/milter-header.h"
#include "smtp-recv/milter-macros.h"
#include "smtp-recv/milters.h"
#include "smtp-recv/session.h"

/* clang-format off */
static struct milter_event const
	header_event = {'L', -1,              MILTER_NO_HEADERS, MILTER_NR_HEADER},
	eoh_event    = {'N', MILTER_AT_EOH,   MILTER_NO_EOH,     MILTER_NR_EOH},
	body_event   = {'B', -1,              MILTER_NO_BODY,    MILTER_NR_BODY},
	end_event    = {'E', MILTER_AT_EOM,   0,                 0};
/* clang-format on */

struct change {
	struct milter_answer a;
	struct change *next;
};

/* One message before one filter. */
struct showing {
	struct session *s;
	struct milter *m;
	struct milter_header *h;
	tain const *limit;
	struct arena arena; /* of its changes */
	struct change *first, **last;
	struct message body; /* the new message, if replaced */
	struct smtp_data data;
	int replaced;
};

enum { GO_ON = 0, TOLD = 1, STOP = 2 };

/* ---- what it is shown ---- */

/* GO_ON, TOLD, or STOP: the filter wants no more (of the body). */
static int
show(struct showing *w, struct milter_event const *e, stralloc const *packet, char const *what)
{
	struct milter_answer a;
	if (milters_ask(w->m, e, packet, w->limit, &a) < 0)
		return milters_failed(w->s, w->m, what) ? TOLD : STOP;
	if (a.kind == MILTER_SKIPS && e == &body_event && w->m->protocol & MILTER_SKIP)
		return STOP;
	if (milters_settle(w->s, w->m, e, &a))
		return TOLD;
	return milters_active(w->s, w->m) ? GO_ON : STOP;
}

static int
show_header(struct showing *w)
{
	static stralloc packet = STRALLOC_ZERO;
	int raw = !!(w->m->protocol & MILTER_LEADING_SPACE), r = GO_ON;
	for (size_t i = 0; i < w->h->count && r == GO_ON; i++) {
		struct milter_field const *f = w->h->fields + i;
		size_t n;
		if (f->own)
			continue;
		char const *body = milter_field_body(f, raw, &n);
		size_t room = MILTER_DATA_MAX - 2 - f->name_len; /* a field of another filter */
		milter_begin(&packet, 'L');
		sa_catb(&packet, f->text, f->name_len);
		sa_0(&packet);
		sa_catb(&packet, body, n < room ? n : room);
		sa_0(&packet);
		milter_end(&packet);
		r = show(w, &header_event, &packet, "header");
	}
	return r == GO_ON ? show(w, &eoh_event, 0, "header") : r;
}

/* CR LF, in pieces of whole octets. */
static int
show_body(struct showing *w)
{
	static stralloc packet = STRALLOC_ZERO;
	static char piece[MILTER_DATA_MAX / 2];
	uint64_t at = w->h->body;
	ssize_t n;
	int r = GO_ON;
	if (w->m->protocol & MILTER_NO_BODY)
		return GO_ON;
	while (r == GO_ON && (n = message_read(&w->s->tx.message, at, piece, sizeof piece)) != 0) {
		if (n < 0) {
			reply(w->s, REPLY_NOFILE);
			return TOLD;
		}
		milter_begin(&packet, 'B');
		sa_room(&packet, MILTER_DATA_MAX);
		for (ssize_t i = 0; i < n; i++) {
			if (piece[i] == '\n')
				packet.s[packet.len++] = '\r';
			packet.s[packet.len++] = piece[i];
		}
		milter_end(&packet);
		at += (uint64_t)n;
		r = show(w, &body_event, &packet, "body");
	}
	/* "Skip" ends the body, not the message. */
	return r == STOP && milters_active(w->s, w->m) ? GO_ON : r;
}

/* ---- its changes ---- */

/* The next piece of the new body; the header as it came stays in front of it. 0, or -1 and errno.
 */
static int
replace_body(struct showing *w, char const *s, size_t n)
{
	static char out[16384 + 2];
	if (!w->replaced && message_copy(&w->body, &w->s->tx.message, w->h->body) < 0)
		return -1;
	if (!w->replaced)
		smtp_data_init(&w->data, 1);
	w->replaced = 1;
	while (n) {
		size_t len;
		int done;
		size_t used = smtp_data_feed(
		    &w->data, s, n < sizeof out - 2 ? n : sizeof out - 2, out, &len, &done);
		errno = EMSGSIZE;
		if (w->data.size > w->s->set.size_max || message_add(&w->body, out, len) < 0)
			return -1;
		s += used;
		n -= used;
	}
	return 0;
}

static int
end_body(struct showing *w)
{
	char out[2];
	if (!w->replaced)
		return 0;
	size_t n = smtp_data_end(&w->data, out);
	errno = EPROTO;
	if (w->data.nul || w->data.longest > w->s->set.line_max)
		return -1;
	return message_add(&w->body, out, n);
}

static int
keep(struct showing *w, struct milter_answer const *a)
{
	struct arena *at = &w->arena;
	struct change *c = arena_zalloc(at, sizeof *c);
	c->a = *a;
	c->a.name = a->name ? arena_strndup(at, a->name, strlen(a->name)) : 0;
	c->a.text = a->text ? arena_strndup(at, a->text, a->len) : 0;
	c->a.args = a->args ? arena_strndup(at, a->args, strlen(a->args)) : 0;
	*w->last = c;
	w->last = &c->next;
	errno = EMSGSIZE;
	return at->total > MILTER_CHANGES_MAX ? -1 : 0;
}

static void
apply_one(struct showing *w, struct milter_answer const *a)
{
	int raw = !!(w->m->protocol & MILTER_LEADING_SPACE);
	switch (a->kind) {
	case MILTER_ADD_HEADER:
		milter_header_add(w->h, a->name, a->text, raw);
		break;
	case MILTER_INSERT_HEADER:
		milter_header_insert(w->h, a->index, a->name, a->text, raw);
		break;
	case MILTER_CHANGE_HEADER:
		milter_header_change(w->h, a->index, a->name, a->text, raw);
		break;
	case MILTER_ADD_RCPT:
		envelope_add(w->s, a->text, a->args);
		break;
	case MILTER_DEL_RCPT:
		envelope_delete(w->s, a->text);
		break;
	case MILTER_FROM:
		envelope_from(w->s, a->text, a->args);
		break;
	case MILTER_QUARANTINE:
		milters_hold(w->s, w->m, a->text);
		break;
	default:
		break;
	}
}

static void
apply(struct showing *w)
{
	struct transaction *t = &w->s->tx;
	for (struct change *c = w->first; c; c = c->next)
		apply_one(w, &c->a);
	if (w->first || w->replaced) {
		log_event("filter");
		log_str("name", w->m->entry->name);
		log_str("verdict", "changed");
		log_send();
	}
	if (!w->replaced)
		return;
	struct message old = t->message;
	t->message = w->body;
	w->body = old;
	t->data.size = w->data.size + w->h->size;
	t->data.eightbit |= w->data.eightbit;
	w->h->changed = 1;
}

/* The end of the message is said; changes come, then the verdict. */
static int
verdict(struct showing *w)
{
	struct milter_answer a;
	int r = milters_ask(w->m, &end_event, 0, w->limit, &a);
	while (!r && a.kind >= MILTER_ADD_HEADER) {
		r = a.kind == MILTER_BODY ? replace_body(w, a.text, a.len) : keep(w, &a);
		if (!r)
			r = milter_answer(w->m, w->limit, &a);
	}
	if (!r && (a.kind == MILTER_CONTINUE || a.kind == MILTER_ACCEPT))
		r = end_body(w);
	if (r < 0)
		return milters_failed(w->s, w->m, "end") ? TOLD : GO_ON;
	w->m->busy = 0;
	if (milters_settle(w->s, w->m, &end_event, &a))
		return TOLD;
	if (a.kind == MILTER_CONTINUE || a.kind == MILTER_ACCEPT)
		apply(w);
	return GO_ON;
}

/* ---- the message ---- */

static int
show_message(struct session *s, struct milter *m, struct milter_header *h, tain const *limit)
{
	struct showing w = {
	    .s = s, .m = m, .h = h, .limit = limit, .arena = ARENA_ZERO, .body = MESSAGE_ZERO};
	w.last = &w.first;
	milter_until(m, MILTER_WAIT_MESSAGE, limit);
	int r = show_header(&w);
	if (r == GO_ON)
		r = show_body(&w);
	if (r == GO_ON)
		r = verdict(&w);
	message_free(&w.body);
	arena_free(&w.arena);
	return r == TOLD;
}

static int
load(struct session *s, struct milter_header *h, stralloc const *head)
{
	switch (milter_header_load(h, head->s, head->len, &s->tx.message)) {
	case MILTER_HEADER_BIG:
		reply(s, REPLY_FILTER_HEADER);
		return 1;
	case MILTER_HEADER_UNREAD:
		reply(s, REPLY_NOFILE);
		return 1;
	default:
		macros_message(milter_header_find(h, "Message-ID"));
		return 0;
	}
}

static int
take_away(struct session *s)
{
	log_event("discard");
	log_str("from", s->tx.mail.from.text);
	log_num("size", s->tx.data.size);
	log_send();
	reply_with(s, REPLY_ACCEPTED, s->tx.id);
	return 1;
}

/* All of them, one behind the other. */
static int
show_all(struct session *s, struct milter_header *h, stralloc const *head)
{
	tain limit;
	tain_now_g();
	tain_addsec_g(&limit, MILTERS_SECONDS);
	if (tain_less(&s->end, &limit))
		limit = s->end;
	EACH_MILTER(m, s) {
		if (!milters_active(s, m))
			continue;
		if ((!h->count && load(s, h, head)) || show_message(s, m, h, &limit))
			return 1;
	}
	return 0;
}

int
milters_message(struct session *s, stralloc *head)
{
	struct milter_header h = MILTER_HEADER_ZERO;
	/* After BDAT nobody has heard of DATA so far. */
	if (!s->milters.count || (!s->tx.discard && milters_data(s)))
		return s->milters.count != 0;
	int told = show_all(s, &h, head);
	if (!told && h.changed) {
		sa_reset(head);
		milter_header_text(&h, head);
		s->tx.message.skip = h.body;
	}
	milter_header_free(&h);
	if (!told && (s->tx.discard || !s->tx.count))
		told = take_away(s);
	return told;
}

#include "imap/context.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "imap/commands.h"
#include "imap/limits.h"
#include "imap/reply.h"
#include "lib/imap-text.h"
#include "lib/sa.h"

static struct context *
find(struct session const *s, char const *tag)
{
	struct context *c = s->contexts;
	while (c && strcmp(c->tag, tag))
		c = c->next;
	return c;
}

int
context_tag_free(struct session const *s, struct parse *p)
{
	return !find(s, s->tag) || parse_fail(p, "Tag reuse");
}

struct context *
context_new(struct session *s, struct parse *p)
{
	if (!context_tag_free(s, p))
		return 0;
	struct context *c = xmalloc(sizeof *c);
	*c = (struct context){.uid = s->uid};
	c->tag = arena_strndup(&c->arena, s->tag, strlen(s->tag));
	return c;
}

void
context_free(struct context *c)
{
	search_free(&c->q);
	free(c->matches.bits);
	arena_free(&c->arena);
	free(c);
}

void
contexts_cancel(struct session *s, char const *tag)
{
	for (struct context **at = &s->contexts, *c; (c = *at);)
		if (!tag || !strcmp(c->tag, tag)) {
			*at = c->next;
			context_free(c);
		} else
			at = &c->next;
}

static void
put_bit(struct results *r, uint32_t i, int on)
{
	unsigned char const bit = (unsigned char)(1u << (i % 8));
	r->bits[i / 8] = (unsigned char)(on ? r->bits[i / 8] | bit : r->bits[i / 8] & ~bit);
}

/* Room for messages up to `count`; the new ones do not match yet. */
static void
grow(struct context *c, uint32_t count)
{
	size_t const had = c->matches.to / 8 + 1, need = (size_t)count / 8 + 1;
	if (c->matches.bits && need <= had) {
		c->matches.to = count;
		return;
	}
	c->matches.bits = xrealloc(c->matches.bits, need, 1);
	memset(c->matches.bits + (c->matches.to ? had : 0), 0, need - (c->matches.to ? had : 0));
	c->matches.to = count;
}

/* RFC 5267 4.3.1 */
static void
refuse(struct session *s, struct context *c)
{
	sa_cats(&s->out, "* NO [NOUPDATE ");
	imap_string(&s->out, c->tag, strlen(c->tag));
	sa_cats(&s->out, "] " REPLY_NOUPDATE "\r\n");
	reply_out(s);
	context_free(c);
}

void
context_keep(struct session *s, struct context *c, struct results const *r)
{
	unsigned int n = 0;
	for (struct context const *x = s->contexts; x; x = x->next)
		n++;
	/* Nor of a search that was cut short (RFC 9738): all that matches would be told as new. */
	if (s->lowest || n >= LIMIT_CONTEXTS || folder_count(s->folder) / 8 > s->search_memory) {
		refuse(s, c);
		return;
	}
	grow(c, folder_count(s->folder));
	for (uint32_t i = r->from; i < r->to; i++)
		if (results_has(r, i))
			put_bit(&c->matches, i, 1);
	search_fix(&c->q, &c->arena, s->folder);
	c->modseq = folder_newest_modseq(s->folder);
	c->looked = time(0);
	c->next = s->contexts;
	s->contexts = c;
}

static void
tell(struct session *s, struct context const *c, char const *what, struct results const *r)
{
	struct esearch const e = {s->folder, c->uid, 0, 0};
	if (!r->count)
		return;
	esearch_begin(s, c->tag, &e);
	net_putf(&s->net, " %s (0 ", what);
	results_tell_set(s, &e, r);
	net_puts(&s->net, ")\r\n");
}

void
contexts_gone(struct session *s)
{
	for (struct context *c = s->contexts; c; c = c->next) {
		struct arena a = ARENA_ZERO;
		struct results gone;
		results_make(&gone, &a, 0, c->matches.to);
		for (uint32_t i = 0; i < c->matches.to; i++)
			if (results_has(&c->matches, i) && folder_gone(s->folder, i)) {
				results_add(&gone, i);
				put_bit(&c->matches, i, 0);
			}
		tell(s, c, "REMOVEFROM", &gone);
		arena_free(&a);
	}
}

/* Takes one bit out: all behind it move. */
static void
take_out(struct results *r, uint32_t i)
{
	uint32_t const last = r->to / 8;
	unsigned int const low = (1u << (i % 8)) - 1;
	for (uint32_t k = i / 8; k <= last; k++) {
		unsigned int const next = k < last ? r->bits[k + 1] & 1u : 0;
		unsigned int const keep = k == i / 8 ? low : 0;
		unsigned int const b = r->bits[k];
		r->bits[k] = (unsigned char)((b & keep) | ((b >> 1 | next << 7) & ~keep & 0xffu));
	}
	r->to--;
}

void
contexts_expunged(struct session *s, uint32_t i)
{
	for (struct context *c = s->contexts; c; c = c->next)
		if (i < c->matches.to)
			take_out(&c->matches, i);
}

/* Looks at the messages of [from, to) again whose modseq is above `since`. */
static void
look_again(struct session *s, struct context *c, uint32_t from, uint32_t to, uint64_t since)
{
	struct hand h = HAND_ZERO;
	struct arena a = ARENA_ZERO;
	struct results added, removed;
	results_make(&added, &a, from, to);
	results_make(&removed, &a, from, to);
	search_bind(&c->q, s, s->folder);
	for (uint32_t i = from; i < to && !hand_stopped(&h, s, i); i++) {
		if (folder_modseq(s->folder, i) <= since || folder_gone(s->folder, i))
			continue;
		int const was = results_has(&c->matches, i);
		int const is = search_message(&c->q, &h, s->folder, i) == YES;
		if (was == is)
			continue;
		results_add(is ? &added : &removed, i);
		put_bit(&c->matches, i, is);
	}
	hand_free(&h);
	tell(s, c, "REMOVEFROM", &removed);
	tell(s, c, "ADDTO", &added);
	arena_free(&a);
}

void
contexts_touch(struct session *s, uint32_t i)
{
	uint64_t const modseq = s->contexts ? folder_modseq(s->folder, i) : 0;
	for (struct context *c = s->contexts; c; c = c->next)
		if (modseq && c->modseq >= modseq)
			c->modseq = modseq - 1;
}

void
contexts_update(struct session *s)
{
	int64_t const now = s->contexts ? time(0) : 0;
	for (struct context *c = s->contexts; c; c = c->next) {
		uint32_t const old = c->matches.to, count = folder_count(s->folder);
		uint64_t const modseq = folder_newest_modseq(s->folder);
		int const all = c->q.within && now - c->looked >= CONTEXT_SECONDS;
		if (count > old) {
			grow(c, count);
			look_again(s, c, old, count, 0);
		}
		if (all || modseq > c->modseq)
			look_again(s, c, 0, old, all ? 0 : c->modseq);
		if (all)
			c->looked = now;
		c->modseq = modseq;
	}
}

/* RFC 5267 4.3.5 */
char const *
cmd_cancelupdate(struct session *s, struct parse *p)
{
	struct text tag;
	if (!parse_sp(p))
		return BAD;
	do {
		if (!parse_astring(p, &tag))
			return BAD;
		contexts_cancel(s, tag.s);
	} while (parse_take(p, ' '));
	return parse_end(p) ? DONE : BAD;
}

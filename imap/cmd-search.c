/* SEARCH (RFC 3501 6.4.4), with the results of ESEARCH (RFC 4731). */
#include "imap/commands.h"

#include "imap/limits.h"
#include "imap/messages.h"
#include "imap/reply.h"
#include "imap/search.h"
#include "lib/imap-text.h"
#include "lib/sa.h"

enum { RETURN_MIN = 1, RETURN_MAX = 2, RETURN_ALL = 4, RETURN_COUNT = 8 };

/* Results are a bit for each of the messages [from, to) that can match at all. */
struct results {
	unsigned char *bits;
	uint32_t from, to, count;
};

static int
has(struct results const *r, uint32_t i)
{
	return i >= r->from && i < r->to && r->bits[(i - r->from) / 8] >> ((i - r->from) % 8) & 1;
}

/* "RETURN (MIN COUNT) " (RFC 4731 3.1); 0 options: a plain SEARCH response. */
static int
return_parse(struct parse *p, unsigned int *options)
{
	static char const *const names[] = {"MIN", "MAX", "ALL", "COUNT"};
	*options = 0;
	if (!parse_take_word(p, "RETURN"))
		return 1;
	if (!parse_sp(p) || !parse_char(p, '('))
		return 0;
	if (parse_take(p, ')')) {
		*options = RETURN_ALL;
		return parse_sp(p);
	}
	do {
		unsigned int k = 0;
		while (k < 4 && !parse_take_word(p, names[k]))
			k++;
		if (k == 4)
			return parse_fail(p, "Unknown return option");
		*options |= 1u << k;
	} while (parse_take(p, ' '));
	return parse_char(p, ')') && parse_sp(p);
}

/* The set that every match is in, if the keys name one; else all messages. */
static struct set
candidates(struct session *s, struct search const *q)
{
	struct search_key const *k = q->root;
	if (k->kind == SEARCH_AND)
		for (k = k->child; k && k->kind != SEARCH_SET; k = k->next)
			;
	if (k && k->kind == SEARCH_SET)
		return k->set;
	uint32_t const count = folder_count(s->folder);
	struct set all = {arena_alloc(&s->arena, sizeof *all.r), count != 0};
	*all.r = (struct range){0, count - 1};
	return all;
}

static void
run(struct session *s, struct search *q, struct results *found)
{
	struct hand h = HAND_ZERO;
	struct set const among = candidates(s, q);
	found->from = among.n ? among.r[0].lo : 0;
	found->to = among.n ? among.r[among.n - 1].hi + 1 : 0;
	found->bits = arena_zalloc(&s->arena, (found->to - found->from) / 8 + 1);
	found->count = 0;
	MESSAGES_EACH(&among, r, i)
	{
		if (hand_stopped(&h, s, i))
			goto end;
		if (search_message(q, &h, s->folder, i) == YES) {
			found->bits[(i - found->from) / 8] |=
			    (unsigned char)(1u << ((i - found->from) % 8));
			found->count++;
		}
	}
end:
	hand_free(&h);
}

static uint32_t
number(struct session const *s, uint32_t i)
{
	return s->uid ? folder_uid(s->folder, i) : i + 1;
}

/* RFC 3501 7.2.5 */
static void
tell_search(struct session *s, struct results const *r)
{
	net_puts(&s->net, "* SEARCH");
	for (uint32_t i = r->from; i < r->to; i++)
		if (has(r, i)) {
			net_put(&s->net, " ", 1);
			net_putnum(&s->net, number(s, i));
		}
	net_puts(&s->net, "\r\n");
}

/* ALL: numbers that follow each other as ranges. */
static void
tell_all(struct session *s, struct results const *r)
{
	char const *before = " ALL ";
	for (uint32_t i = r->from, j; i < r->to; i = j) {
		j = i + 1;
		if (!has(r, i))
			continue;
		while (has(r, j) && number(s, j) == number(s, j - 1) + 1)
			j++;
		net_puts(&s->net, before);
		net_putnum(&s->net, number(s, i));
		if (j - i > 1) {
			net_put(&s->net, ":", 1);
			net_putnum(&s->net, number(s, j - 1));
		}
		before = ",";
	}
}

/* RFC 4731 section 3.1, RFC 4466 2.6.2 */
static void
tell_esearch(struct session *s, struct results const *r, unsigned int options)
{
	sa_cats(&s->out, "* ESEARCH (TAG ");
	imap_string(&s->out, s->tag, strlen(s->tag));
	sa_cats(&s->out, s->uid ? ") UID" : ")");
	reply_out(s);
	if (r->count) {
		uint32_t min = r->from, max = r->to - 1;
		while (!has(r, min))
			min++;
		while (!has(r, max))
			max--;
		if (options & RETURN_MIN)
			net_putf(&s->net, " MIN %u", number(s, min));
		if (options & RETURN_MAX)
			net_putf(&s->net, " MAX %u", number(s, max));
		if (options & RETURN_ALL)
			tell_all(s, r);
	}
	if (options & RETURN_COUNT)
		net_putf(&s->net, " COUNT %u", r->count);
	net_puts(&s->net, "\r\n");
}

char const *
cmd_search(struct session *s, struct parse *p)
{
	struct search q = {0};
	struct results r;
	unsigned int options;
	char const *reply = DONE;
	if (!parse_sp(p) || !return_parse(p, &options) || !search_parse(s, p, &q))
		reply = BAD;
	else if (q.badcharset)
		reply = REPLY_CHARSET;
	else {
		run(s, &q, &r);
		if (s->ended)
			goto end;
		net_deadline(&s->net, WRITE_SECONDS);
		if (options)
			tell_esearch(s, &r, options);
		else
			tell_search(s, &r);
	}
end:
	search_free(&q);
	return reply;
}

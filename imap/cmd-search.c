/* SEARCH (RFC 3501 6.4.4), with the results of ESEARCH (RFC 4731). */
#include "imap/commands.h"

#include "imap/limits.h"
#include "imap/reply.h"
#include "imap/search.h"
#include "lib/imap-text.h"
#include "lib/sa.h"

enum { RETURN_MIN = 1, RETURN_MAX = 2, RETURN_ALL = 4, RETURN_COUNT = 8 };

/* Results are a bit per message. */
struct results {
	unsigned char *bits;
	uint32_t messages, count;
};

static int
has(struct results const *r, uint32_t i)
{
	return i < r->messages && r->bits[i / 8] >> (i % 8) & 1;
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

static void
run(struct session *s, struct search *q, struct results *r)
{
	struct hand h = HAND_ZERO;
	r->messages = folder_count(s->folder);
	r->bits = arena_zalloc(&s->arena, r->messages / 8 + 1);
	r->count = 0;
	for (uint32_t i = 0; i < r->messages; i++) {
		if (hand_stopped(&h, s, i))
			break;
		if (search_message(q, &h, s->folder, i) == YES) {
			r->bits[i / 8] |= (unsigned char)(1u << (i % 8));
			r->count++;
		}
	}
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
	sa_cats(&s->out, "* SEARCH");
	for (uint32_t i = 0; i < r->messages; i++)
		if (has(r, i)) {
			sa_append(&s->out, ' ');
			sa_catnum(&s->out, number(s, i));
			if (s->out.len > NET_OUTSIZE)
				reply_out(s);
		}
	sa_cats(&s->out, "\r\n");
	reply_out(s);
}

/* ALL: numbers that follow each other as ranges. */
static void
tell_all(struct session *s, struct results const *r)
{
	char const *before = " ALL ";
	for (uint32_t i = 0, j; i < r->messages; i = j) {
		j = i + 1;
		if (!has(r, i))
			continue;
		while (has(r, j) && number(s, j) == number(s, j - 1) + 1)
			j++;
		sa_cats(&s->out, before);
		sa_catnum(&s->out, number(s, i));
		if (j - i > 1) {
			sa_append(&s->out, ':');
			sa_catnum(&s->out, number(s, j - 1));
		}
		before = ",";
		if (s->out.len > NET_OUTSIZE)
			reply_out(s);
	}
}

/* RFC 4731 section 3.1, RFC 4466 2.6.2 */
static void
tell_esearch(struct session *s, struct results const *r, unsigned int options)
{
	sa_cats(&s->out, "* ESEARCH (TAG ");
	imap_string(&s->out, s->tag, strlen(s->tag));
	sa_cats(&s->out, s->uid ? ") UID" : ")");
	if (r->count) {
		uint32_t min = 0, max = r->messages - 1;
		while (!has(r, min))
			min++;
		while (!has(r, max))
			max--;
		if (options & RETURN_MIN)
			sa_catf(&s->out, " MIN %u", number(s, min));
		if (options & RETURN_MAX)
			sa_catf(&s->out, " MAX %u", number(s, max));
		if (options & RETURN_ALL)
			tell_all(s, r);
	}
	if (options & RETURN_COUNT)
		sa_catf(&s->out, " COUNT %u", r->count);
	sa_cats(&s->out, "\r\n");
	reply_out(s);
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

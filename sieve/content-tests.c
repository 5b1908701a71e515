/* Tests of what a message says beyond its fields: size, body, string; true and false. */
#include <string.h>

#include "lib/ascii.h"
#include "lib/sa.h"
#include "lib/wire.h"
#include "sieve/match.h"

int
test_true(struct machine *m, struct call const *call)
{
	(void)m, (void)call;
	return 1;
}

int
test_false(struct machine *m, struct call const *call)
{
	(void)m, (void)call;
	return 0;
}

/* RFC 5228 5.9 */
int
test_size(struct machine *m, struct call const *call)
{
	enum { LIMIT, OVER };
	uint64_t const limit = call_number(call, LIMIT, 0);
	if (!m->size)
		m->size = m->job->message.size ? m->job->message.size
					       : wire_size(m->job->message.s, m->job->message.n);
	return call_has(call, OVER) ? m->size > limit : m->size < limit;
}

/* RFC 5229 5 */
int
test_string(struct machine *m, struct call const *call)
{
	struct match match;
	int r = match_start(&match, m, call, 1);
	for (uint32_t i = 0; !r && i < call_count(call, 0); i++) {
		struct text const s = machine_item(m, call, 0, i);
		/* :count counts what is not empty. */
		if (match.type != MATCH_COUNT || s.n)
			r = match_value(&match, s);
	}
	return match_end(&match);
}

/* ---- body (RFC 5173)
 * -------------------------------------------------------------------------------- */

enum { KEYS, RAW, CONTENT };

struct body {
	struct machine *m;
	struct match *match;
	struct call const *call;
	size_t left; /* octets that are still looked at */
};

/* RFC 5173 5.2: a type is "type/subtype", "type", or "" for all. */
static int
wanted(struct body *b, struct text type)
{
	char const *const slash = memchr(type.s, '/', type.n);
	if (!call_has(b->call, CONTENT))
		return type.n >= 5 && ascii_ieq(type.s, 5, "text/");
	for (uint32_t i = 0; i < call_count(b->call, CONTENT); i++) {
		struct text const want = machine_item(b->m, b->call, CONTENT, i);
		size_t const n =
		    memchr(want.s, '/', want.n) || !slash ? type.n : (size_t)(slash - type.s);
		if (!want.n || (want.n == n && !strncasecmp(want.s, type.s, n)))
			return 1;
	}
	return 0;
}

static int
give_octets(struct body *b, size_t from, size_t to)
{
	struct message const *const x = &b->m->message;
	return to > from ? match_value(b->match, (struct text){x->s + from, to - from}) : 0;
}

/* Of a multipart what stands before and behind its parts, of a message its header, of others what
 * they hold. */
static int
give_body(struct body *b, struct mime_part const *p)
{
	if (p->kind == MIME_MULTIPART && p->children) {
		struct mime_part const *last = p->children;
		while (last->next)
			last = last->next;
		int const r = give_octets(b, p->body, p->children->header);
		return r ? r : give_octets(b, last->end, p->end);
	}
	if (p->kind == MIME_MESSAGE && p->children)
		return give_octets(b, p->children->header, p->children->body);
	struct text t = message_part_text(&b->m->message, p, !call_has(b->call, CONTENT));
	t.n = t.n < b->left ? t.n : b->left;
	b->left -= t.n;
	return machine_steps(b->m, 1 + t.n / 1024) < 0 ? -1 : match_value(b->match, t);
}

static int
give_parts(struct body *b, struct mime_part const *p)
{
	stralloc type = STRALLOC_ZERO;
	if (machine_steps(b->m, 4) < 0)
		return -1;
	mime_type(&type, b->m->a, p);
	int r = wanted(b, (struct text){type.s, type.len}) && b->left ? give_body(b, p) : 0;
	stralloc_free(&type);
	for (struct mime_part const *k = p->children; k && !r; k = k->next)
		r = give_parts(b, k);
	return r;
}

static int
give_raw(struct machine *m, struct match *match)
{
	message_parts(&m->message);
	size_t n = m->message.n - m->message.body;
	if (n > SIEVE_BODY_MAX)
		n = SIEVE_BODY_MAX;
	return match_value(match, (struct text){m->message.s + m->message.body, n});
}

int
test_body(struct machine *m, struct call const *call)
{
	struct match match;
	struct body b = {m, &match, call, SIEVE_BODY_MAX};
	if (match_start(&match, m, call, KEYS) == 0) {
		/* RFC 5173 6: what is found in a body sets no match variables. */
		match.silent = 1;
		if (call_has(call, RAW))
			give_raw(m, &match);
		else
			give_parts(&b, message_parts(&m->message));
	}
	return match_end(&match);
}

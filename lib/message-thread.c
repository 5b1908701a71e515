#include "lib/message-thread.h"

#include <string.h>

#include "lib/ascii.h"
#include "lib/header-token.h"
#include "lib/message-text.h"
#include "lib/sa.h"

#define BAD_MAX 1000 /* brackets of one field that hold no id; what follows is not looked at */

/* "<" id-left "@" id-right ">", appended without the brackets and with quoting resolved (RFC 5256
 * 3, RFC 5322 3.6.4 and 4.5.4). 1 or 0. */
static int
take_strict(struct token_cursor *t, stralloc *out)
{
	size_t const before = out->len;
	t->p++;
	if (token_skip(t) > 0 &&
	    (token_at(t, '"') ? token_quoted(t, out) : token_local(t, out)) > 0 &&
	    token_at(t, '@')) {
		sa_append(out, '@');
		t->p++;
		if (token_skip(t) > 0 && token_domain(t, out) > 0 && token_at(t, '>')) {
			t->p++;
			return 1;
		}
	}
	out->len = before;
	return 0;
}

/* What is no msg-id by the letter but serves as one: all between the brackets, without blanks. */
static int
take_lenient(struct token_cursor *t, stralloc *out)
{
	size_t const before = out->len;
	int at = 0;
	for (t->p++; t->p < t->end && *t->p != '<' && *t->p != '>'; t->p++) {
		at |= *t->p == '@';
		if (!ascii_isspace(*t->p))
			sa_append(out, *t->p);
	}
	if (at && token_at(t, '>')) {
		t->p++;
		return 1;
	}
	out->len = before;
	return 0;
}

struct ids {
	struct token_cursor t;
	int comments;	  /* they are skipped, until one does not end */
	unsigned int bad; /* brackets that were none */
};

static struct ids
ids_of(struct header_field const *f)
{
	char const *const s = f->start ? f->body : "";
	return (struct ids){{s, s + f->body_len, 0}, 1, 0};
}

/* The id at "<", appended with an LF. 1 or 0. */
static int
take_id(struct ids *ids, stralloc *out)
{
	size_t const before = out->len, left = (size_t)(ids->t.end - ids->t.p);
	struct token_cursor t = ids->t;
	if (left > MESSAGE_ID_MAX + 2)
		t.end = t.p + MESSAGE_ID_MAX + 2;
	char const *const bracket = t.p;
	int taken = take_strict(&t, out);
	if (!taken) {
		t.p = bracket;
		taken = take_lenient(&t, out);
	}
	if (!taken || memchr(out->s + before, '\n', out->len - before)) {
		out->len = before;
		ids->t.p++;
		ids->bad++;
		return 0;
	}
	sa_append(out, '\n');
	ids->t.p = t.p;
	return 1;
}

/* The next id. 1, or 0 at the end. */
static int
next_id(struct ids *ids, stralloc *out)
{
	struct token_cursor *const t = &ids->t;
	while (t->p < t->end && ids->bad < BAD_MAX) {
		char const *const from = t->p;
		if (ids->comments && token_skip(t) < 0) {
			ids->comments = 0; /* a "(" that is none: the rest is read as it stands */
			t->p = from;
		}
		if (!token_at(t, '<'))
			t->p += t->p < t->end;
		else if (take_id(ids, out))
			return 1;
	}
	return 0;
}

static int
first_id(stralloc *out, struct header_field const *f)
{
	struct ids ids = ids_of(f);
	return f->start && next_id(&ids, out);
}

/* Of too many the oldest go; what repeats the one before it goes, too. */
static void
put_references(stralloc *out, struct header_field const *f)
{
	struct ids ids = ids_of(f);
	size_t const before = out->len;
	size_t last = before, begin = before; /* where the one before begins, and this one */
	for (; next_id(&ids, out); begin = out->len) {
		size_t const n = out->len - begin;
		if (begin > last && n == begin - last && !memcmp(out->s + last, out->s + begin, n))
			out->len = begin;
		else
			last = begin;
	}
	if (out->len - before <= MESSAGE_REFERENCES_MAX)
		return;
	size_t const cut = out->len - MESSAGE_REFERENCES_MAX;
	char const *const lf = memchr(out->s + cut - 1, '\n', out->len - cut + 1);
	begin = (size_t)(lf - out->s) + 1;
	memmove(out->s + before, out->s + begin, out->len - begin);
	out->len -= begin - before;
}

void
message_thread_put(stralloc *out, struct header_field const *id,
    struct header_field const *references, struct header_field const *in_reply_to)
{
	if (!first_id(out, id))
		sa_append(out, '\n');
	size_t const before = out->len;
	if (references->start)
		put_references(out, references);
	/* None, or no valid one: the first of In-Reply-To, if any, is the parent. */
	if (out->len == before)
		(void)first_id(out, in_reply_to);
}

int
message_thread_keys(char const *s, size_t len, size_t *at, char const **id, size_t *id_len)
{
	if (*at >= len)
		return 0;
	char const *const lf = memchr(s + *at, '\n', len - *at);
	*id = s + *at;
	*id_len = lf ? (size_t)(lf - *id) : len - *at;
	*at += *id_len + 1;
	return 1;
}

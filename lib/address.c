#include "lib/address.h"

#include <string.h>

#include "lib/ascii.h"
#include "lib/header-token.h"
#include "lib/sa.h"
#include "lib/utf8.h"

/* Every step returns what token_skip returns: 1 something follows, 0 the end, -1 not of this form.
 */
struct reader {
	struct token_cursor t;
	struct arena *a;
	struct address *first, **last, *newest;
	unsigned int count;
	struct address now; /* being read */
	stralloc str, comment;
};

static char const *
keep(struct reader *r, stralloc *sa)
{
	/* A NUL, which RFC 5322 does not allow, ends the string; nothing is sent to what is left.
	 */
	if (sa->len && memchr(sa->s, 0, sa->len))
		r->now.broken = 1;
	return arena_strndup(r->a, sa->len ? sa->s : "", sa->len);
}

static void
add(struct reader *r)
{
	if (r->count < ADDRESS_LIST_MAX) {
		struct address *addr = arena_alloc(r->a, sizeof *addr);
		*addr = r->now;
		*r->last = addr;
		r->last = &addr->next;
		r->newest = addr;
		r->count++;
	}
	r->now = (struct address){0};
}

static int
read_local_part(struct reader *r)
{
	sa_reset(&r->str);
	int const got =
	    token_at(&r->t, '"') ? token_quoted(&r->t, &r->str) : token_local(&r->t, &r->str);
	if (got >= 0)
		r->now.mailbox = keep(r, &r->str);
	return got;
}

/* "@" domain */
static int
read_domain(struct reader *r, stralloc *out)
{
	r->t.p++;
	int const more = token_skip(&r->t);
	return more > 0 ? token_domain(&r->t, out) : -1;
}

static int
read_host(struct reader *r)
{
	sa_reset(&r->str);
	int const got = read_domain(r, &r->str);
	if (got >= 0)
		r->now.host = keep(r, &r->str);
	return got;
}

/* obs-domain-list ":" (RFC 5322 4.4) */
static int
read_route(struct reader *r)
{
	sa_reset(&r->str);
	while (token_at(&r->t, '@')) {
		sa_cats(&r->str, r->str.len ? ",@" : "@");
		if (read_domain(r, &r->str) <= 0)
			return -1;
		while (token_at(&r->t, ',')) {
			r->t.p++;
			if (token_skip(&r->t) <= 0)
				return -1;
		}
	}
	if (!token_at(&r->t, ':'))
		return -1;
	r->now.route = keep(r, &r->str);
	r->t.p++;
	return token_skip(&r->t);
}

/* "<" [route] local-part ["@" domain] ">" */
static int
read_angle(struct reader *r)
{
	r->t.p++;
	if (token_skip(&r->t) <= 0)
		return -1;
	if (token_at(&r->t, '@') && read_route(r) <= 0) {
		r->now.route = "INVALID_ROUTE";
		r->now.broken = 1;
		if (r->t.p == r->t.end)
			return -1;
	}
	if (!token_at(&r->t, '>')) {
		if (read_local_part(r) <= 0)
			return -1;
		if (token_at(&r->t, '@') && read_host(r) <= 0)
			return -1;
	}
	if (!token_at(&r->t, '>'))
		return -1;
	r->t.p++;
	return token_skip(&r->t);
}

/* A phrase, or none, and behind it '<' or ':', which is returned; else 0, and nothing is read. */
static char
read_phrase(struct reader *r)
{
	char const *const from = r->t.p;
	sa_reset(&r->str);
	if (r->t.p < r->t.end && *from != '<' && *from != ':' && token_phrase(&r->t, &r->str) <= 0)
		r->t.p = from;
	if (token_at(&r->t, '<') || token_at(&r->t, ':'))
		return *r->t.p;
	r->t.p = from;
	return 0;
}

/* "<...>" behind a phrase. */
static int
read_name_addr(struct reader *r)
{
	if (r->str.len)
		r->now.name = keep(r, &r->str);
	if (read_angle(r) < 0) {
		r->now.host = "SYNTAX_ERROR";
		r->now.broken = 1;
	}
	return r->t.p < r->t.end;
}

/* A word alone is a local name; several are a display name without an address. */
static int
read_words(struct reader *r, int quoted)
{
	sa_append(&r->str, ' ');
	size_t const before = r->str.len;
	(void)token_phrase(&r->t, &r->str);
	if (r->str.len == before && token_at(&r->t, '<')) {
		r->now.mailbox = 0;
		return 1;
	}
	if (r->str.len == before && !quoted)
		return r->t.p < r->t.end;
	r->str.len -= r->str.len == before;
	r->now.mailbox = 0;
	r->now.name = keep(r, &r->str);
	r->now.broken = 1;
	return r->t.p < r->t.end;
}

/* local-part ["@" domain], and the comment behind it as a name: the custom before RFC 822. */
static int
read_addr_spec(struct reader *r)
{
	int const quoted = token_at(&r->t, '"');
	sa_reset(&r->comment);
	int got = read_local_part(r);
	int host = 0;
	if (got < 0)
		r->now.broken = 1;
	if (token_at(&r->t, '@')) {
		got = read_host(r);
		host = got >= 0;
		if (!host)
			r->now.broken = 1;
	}
	if (r->comment.len)
		r->now.name = keep(r, &r->comment);
	else if (!host && got >= 0)
		return read_words(r, quoted);
	return got;
}

/* A mailbox; behind is what read_phrase found, but no ':'. */
static int
read_mailbox(struct reader *r, char behind)
{
	int const got = behind ? read_name_addr(r) : read_addr_spec(r);
	if (!r->now.mailbox) {
		r->now.mailbox = "";
		r->now.broken = 1;
	}
	if (!r->now.host)
		r->now.host = "";
	add(r);
	return got;
}

/* phrase ":" [mailbox-list] ";" (RFC 5322 3.4), from the ":" on. */
static int
read_group(struct reader *r)
{
	r->t.p++;
	int more = token_skip(&r->t);
	r->now.kind = ADDRESS_GROUP;
	r->now.mailbox = keep(r, &r->str);
	add(r);
	while (more > 0 && !token_at(&r->t, ';')) {
		char const *const from = r->t.p;
		char const behind = read_phrase(r);
		if (behind == ':') /* groups hold no groups */
			r->t.p = from;
		more = read_mailbox(r, behind == '<' ? behind : 0);
		if (!token_at(&r->t, ','))
			break;
		r->t.p++;
		more = token_skip(&r->t);
	}
	if (token_at(&r->t, ';')) {
		r->t.p++;
		more = token_skip(&r->t);
	}
	r->now.kind = ADDRESS_GROUP_END;
	add(r);
	return more > 0;
}

struct address *
address_parse(struct arena *a, char const *s, size_t n)
{
	struct reader r = {.t = {s, s + n, 0}, .a = a};
	r.t.comment = &r.comment;
	r.last = &r.first;
	int more = token_skip(&r.t);
	while (more > 0) {
		char const behind = read_phrase(&r);
		more = behind == ':' ? read_group(&r) : read_mailbox(&r, behind);
		if (!token_at(&r.t, ','))
			break;
		r.t.p++;
		more = token_skip(&r.t);
	}
	/* The list ends at what is no address: "a@b c@d" is not a@b. */
	if (r.t.p < r.t.end && r.newest)
		r.newest->broken = 1;
	stralloc_free(&r.str);
	stralloc_free(&r.comment);
	return r.first;
}

static int
is_dot_atom(char const *s)
{
	stralloc tmp = STRALLOC_ZERO;
	struct token_cursor t = {s, s + strlen(s), 0};
	int const whole = *s && token_dot_atom(&t, &tmp) == 0 && tmp.len == strlen(s) &&
			  s[tmp.len - 1] != '.' && !strstr(s, "..");
	stralloc_free(&tmp);
	return whole;
}

static void
put_quoted(stralloc *out, char const *s)
{
	sa_append(out, '"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			sa_append(out, '\\');
		sa_append(out, *s);
	}
	sa_append(out, '"');
}

void
address_spec(stralloc *out, struct address const *addr)
{
	if (is_dot_atom(addr->mailbox))
		sa_cats(out, addr->mailbox);
	else
		put_quoted(out, addr->mailbox);
	if (addr->host && *addr->host) {
		sa_append(out, '@');
		sa_cats(out, addr->host);
	}
}

void
address_format(stralloc *out, struct address const *addr)
{
	if (addr->name) {
		if (utf8_has8bit(addr->name, strlen(addr->name)))
			sa_cats(out, addr->name);
		else
			put_quoted(out, addr->name);
		sa_cats(out, " <");
	}
	address_spec(out, addr);
	if (addr->name)
		sa_append(out, '>');
}

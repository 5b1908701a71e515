/* CATENATE's URLs (RFC 4469 section 3): relative IMAP URLs (RFC 5092 section 11, imsg-or-part) of
 * messages and their parts in mailboxes of this session. */
#include "imap/append.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "imap/commands.h"
#include "imap/limits.h"
#include "imap/mailbox.h"
#include "imap/reply.h"
#include "imap/section.h"
#include "lib/ascii.h"
#include "lib/sa.h"
#include "lib/utf8.h"
#include "lib/wire.h"

struct url {
	char const *mailbox; /* UTF-8 */
	uint32_t validity;   /* 0: any */
	uint32_t uid;
	struct imap_section section;
	uint32_t from, count; /* of the section's octets; count 0: to its end */
};

/* What is left of the URL. */
struct rest {
	char const *s, *end;
};

static int
hex(char c)
{
	c = ascii_tolower(c);
	return ascii_isdigit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* RFC 5092 section 11, bchar: decodes a component. 0, or -1 if it is none. */
static int
decode(stralloc *out, char const *s, char const *end)
{
	for (; s < end; s++) {
		if (*s == '%' && end - s > 2 && hex(s[1]) >= 0 && hex(s[2]) >= 0) {
			sa_append(out, (char)(hex(s[1]) << 4 | hex(s[2])));
			s += 2;
		} else if (*s <= ' ' || *s == 127 || strchr("%;?#\"<>[]\\^`{|}", *s))
			return -1;
		else
			sa_append(out, *s);
	}
	return out->len && !memchr(out->s, 0, out->len) ? 0 : -1;
}

/* ";NAME=" or "/;NAME=", as it begins with. */
static int
take_name(struct rest *r, char const *name)
{
	size_t const n = strlen(name);
	if ((size_t)(r->end - r->s) < n || !ascii_ieq(r->s, n, name))
		return 0;
	r->s += n;
	return 1;
}

/* number, or with least 1 nz-number. */
static int
take_number(struct rest *r, uint32_t least, uint32_t *out)
{
	char const *from = r->s;
	for (*out = 0; r->s < r->end && ascii_isdigit(*r->s); r->s++)
		if (__builtin_mul_overflow(*out, 10u, out) ||
		    __builtin_add_overflow(*out, (uint32_t)(*r->s - '0'), out))
			return 0;
	return r->s > from && *out >= least;
}

/* The mailbox, up to the first ";". One that does not begin with "/" is beside the selected one
 * (RFC 5092 section 7.1), and none at all is that one. */
static int
take_mailbox(struct session *s, struct rest *r, struct url *u)
{
	stralloc name = STRALLOC_ZERO;
	char const *semicolon = memchr(r->s, ';', (size_t)(r->end - r->s)), *end = semicolon;
	int const absolute = r->s < r->end && *r->s == '/';
	if (!semicolon || (absolute && r->s[1] == '/'))
		return 0;
	end -= end > r->s && end[-1] == '/'; /* it is iuid's */
	char const *from = r->s + absolute;
	if (!absolute && s->folder) {
		char const *slash = strrchr(s->name, '/');
		sa_catb(&name, s->name,
		    from == semicolon ? strlen(s->name)
		    : slash	      ? (size_t)(slash + 1 - s->name)
				      : 0);
	}
	int ok = (from < end ? !decode(&name, from, end) : !absolute && name.len > 0) &&
		 name.len <= LIMIT_NAME && utf8_valid(name.s, name.len);
	if (ok)
		u->mailbox = !strcasecmp(sa_str(&name), "INBOX")
				 ? "INBOX"
				 : arena_strndup(&s->arena, name.s, name.len);
	stralloc_free(&name);
	r->s = end;
	return ok;
}

static int
take_section(struct arena *a, struct rest *r, struct url *u)
{
	stralloc text = STRALLOC_ZERO;
	char const *end = memchr(r->s, ';', (size_t)(r->end - r->s));
	end = end ? end - (end > r->s && end[-1] == '/') : r->end;
	int ok = !decode(&text, r->s, end);
	for (size_t i = 0; i < text.len; i++)
		text.s[i] = ascii_toupper(text.s[i]);
	ok = ok && !imap_section_parse(&u->section, a, text.s, text.len);
	stralloc_free(&text);
	r->s = end;
	return ok;
}

static int
url_parse(struct session *s, struct url *u, char const *text, size_t len)
{
	struct rest r = {text, text + len};
	*u = (struct url){.section.kind = SECTION_WHOLE};
	if (!take_mailbox(s, &r, u))
		return 0;
	if (take_name(&r, ";UIDVALIDITY=") && !take_number(&r, 1, &u->validity))
		return 0;
	/* A URL that begins with iuid-only has no "/" before it. */
	if (!take_name(&r, "/;UID=") && !(r.s == text && take_name(&r, ";UID=")))
		return 0;
	if (!take_number(&r, 1, &u->uid))
		return 0;
	if (take_name(&r, "/;SECTION=") && !take_section(&s->arena, &r, u))
		return 0;
	if (take_name(&r, "/;PARTIAL=")) {
		if (!take_number(&r, 0, &u->from))
			return 0;
		if (take_name(&r, ".") && !take_number(&r, 1, &u->count))
			return 0;
	}
	return r.s == r.end;
}

/* ---- the message it means ---------------------------------------------------------------------
 */

/* The mailbox: the selected one, or opened for this command. Null (errno). */
static struct folder *
open_source(struct append *a, char const *name)
{
	struct session *s = a->s;
	name = mailbox_canonical(s, name);
	if (mailbox_is_selected(s, name))
		return s->folder;
	if (a->source && !strcmp(a->source_name, name))
		return a->source;
	hand_drop(&a->hand);
	if (a->source)
		folder_close(a->source);
	a->source = 0;
	free(a->source_name);
	a->source_name = xstrdup(name);
	if (folder_open(&a->source, mailbox_tree(s, name), name, FOLDER_READONLY, 0) < 0)
		a->source = 0;
	return a->source;
}

/* Octets [from, to) of the message in hand, from wire offset u->from on, at most `left`. */
static void
copy_range(struct append_message *m, char const *s, size_t n, struct url const *u, uint64_t left)
{
	char buf[16384];
	struct wire_cursor w;
	wire_start(&w, s, n);
	wire_skip(&w, u->from);
	while (left) {
		size_t const got =
		    wire_read(&w, buf, left < sizeof buf ? (size_t)left : sizeof buf);
		if (!got)
			return;
		append_write(m, buf, got);
		left -= got;
	}
}

/* 1 if it could be copied, 0 if it is too much (refused), -1 if there is nothing like it. */
static int
copy_part(struct append *a, struct append_message *m, struct url const *u)
{
	stralloc fields = STRALLOC_ZERO;
	size_t from, to;
	int r = section_find(&u->section, &a->hand, &from, &to, &fields);
	char const *s = r == 2 ? fields.s : a->hand.s + from;
	size_t const n = r == 2 ? fields.len : to - from;
	uint64_t left = r > 0 ? wire_size(s, n) : 0;
	left = u->from < left ? left - u->from : 0;
	left = u->count && u->count < left ? u->count : left;
	int const fits = append_fits(a, m, left);
	if (r > 0 && fits)
		copy_range(m, s, n, u, left);
	stralloc_free(&fields);
	return r <= 0 ? -1 : fits;
}

/* RFC 4469 section 4.1. In a response code no "]" can stand. */
static int
refuse_url(struct append *a, char const *url, size_t len)
{
	stralloc text = STRALLOC_ZERO;
	for (size_t i = 0; i < len; i++)
		if (url[i] <= ' ' || url[i] == ']' || url[i] == 127)
			sa_catf(&text, "%%%02X", (unsigned char)url[i]);
		else
			sa_append(&text, url[i]);
	append_refuse(a, reply_format(a->s, REPLY_BADURL, sa_str(&text)));
	stralloc_free(&text);
	return 0;
}

int
append_url(struct append *a, struct append_message *m, char const *url, size_t len)
{
	struct url u;
	struct folder *f;
	if (session_stopped(a->s))
		return append_refuse(a, DONE);
	if (!url_parse(a->s, &u, url, len) || !(f = open_source(a, u.mailbox)) ||
	    (u.validity && u.validity != folder_uidvalidity(f)))
		return refuse_url(a, url, len);
	uint32_t const i = folder_find(f, u.uid);
	if (i >= folder_count(f) || folder_uid(f, i) != u.uid || folder_gone(f, i))
		return refuse_url(a, url, len);
	if (a->hand.folder != f || a->hand.i != i)
		hand_drop(&a->hand);
	hand_take(&a->hand, f, i);
	switch (copy_part(a, m, &u)) {
	case 1:
		return 1;
	case 0:
		return 0;
	default:
		return refuse_url(a, url, len);
	}
}

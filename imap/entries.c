#include "imap/entries.h"

#include <errno.h>
#include <string.h>

#include "imap/limits.h"
#include "imap/mailbox.h"
#include "imap/reply.h"
#include "lib/ascii.h"
#include "lib/imap-text.h"
#include "lib/sa.h"
#include "maildir/metadata.h"

/* RFC 5464 3.2: what may stand in a name, and which scopes there are. */
static int
entry_valid(char const *s)
{
	size_t const n = strlen(s);
	size_t const scope = 1 + strcspn(s + (*s == '/'), "/");
	if (n > LIMIT_ENTRY ||
	    (!ascii_ieq(s, scope, "/private") && !ascii_ieq(s, scope, "/shared")))
		return 0;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] < 0x1a || (unsigned char)s[i] > 0x7e || s[i] == '*' ||
		    s[i] == '%' || (s[i] == '/' && (s[i + 1] == '/' || !s[i + 1])))
			return 0;
	return 1;
}

int
entry_parse(struct parse *p, char const **name)
{
	struct text t;
	if (!parse_astring(p, &t))
		return 0;
	*name = t.s;
	return entry_valid(t.s) ? 1 : parse_fail(p, "Invalid entry name");
}

static int
add_entry(struct parse *p, struct entries *e)
{
	if (e->count == LIMIT_ENTRIES)
		return parse_fail(p, "Too many entries");
	if (!e->name)
		e->name = arena_alloc(p->arena, LIMIT_ENTRIES * sizeof *e->name);
	return entry_parse(p, &e->name[e->count]) && ++e->count;
}

int
entries_parse(struct parse *p, struct entries *e)
{
	if (!parse_take(p, '('))
		return add_entry(p, e);
	do
		if (!add_entry(p, e))
			return 0;
	while (parse_take(p, ' '));
	return parse_char(p, ')');
}

/* ---- telling ----------------------------------------------------------------------------------
 */

struct telling {
	struct session *s;
	struct entries *e;
	size_t at;   /* the entry in hand */
	int found;   /* it is there */
	size_t told; /* in this response */
	char const *name;
};

/* An nstring, or with a NUL in it a literal8. */
static void
put_value(stralloc *out, char const *value, size_t len)
{
	if (!memchr(value, 0, len))
		imap_string(out, value, len);
	else {
		sa_catf(out, "~{%zu}\r\n", len);
		sa_catb(out, value, len);
	}
}

static void
put_entry(struct telling *t, char const *key, char const *value, size_t len)
{
	stralloc *out = &t->s->out;
	if (!t->told++) {
		sa_cats(out, "* METADATA ");
		mailbox_put(t->s, out, t->name);
		sa_cats(out, " (");
	} else
		sa_append(out, ' ');
	imap_astring(out, key, strlen(key));
	sa_append(out, ' ');
	if (value)
		put_value(out, value, len);
	else
		sa_cats(out, "NIL");
}

/* Is the key the entry in hand, or as far below as DEPTH allows? */
static int
wanted(struct entries const *e, size_t at, char const *key)
{
	size_t n = strlen(e->name[at]);
	if (strlen(key) < n || !ascii_ieq(key, n, e->name[at]))
		return 0;
	if (!key[n])
		return 1;
	return key[n] == '/' && e->depth &&
	       (e->depth == DEPTH_INFINITY || !strchr(key + n + 1, '/'));
}

static int
visit(void *arg, char const *name, char const *key, char const *value, size_t len)
{
	struct telling *t = arg;
	(void)name;
	if (!wanted(t->e, t->at, key))
		return 0;
	t->found = 1;
	if (!t->e->limited || len <= t->e->maxsize)
		put_entry(t, key, value, len);
	else if (len > t->e->longest)
		t->e->longest = len;
	return 0;
}

/* RFC 5464 6.2: what the administrator has set, the same for all. */
static void
visit_server(struct telling *t)
{
	struct session const *s = t->s;
	if (s->comment)
		visit(t, "", "/shared/comment", s->comment, strlen(s->comment));
	if (s->admin)
		visit(t, "", "/shared/admin", s->admin, strlen(s->admin));
}

int
entries_tell(struct session *s, char const *name, struct entries *e)
{
	struct telling t = {.s = s, .e = e, .name = name};
	int r = 0;
	for (t.at = 0; r >= 0 && t.at < e->count; t.at++) {
		int shared = ascii_ieq(e->name[t.at], strnlen(e->name[t.at], 7), "/shared");
		t.found = 0;
		if (shared && !*name)
			visit_server(&t);
		else
			r = metadata_of(
			    shared ? mailbox_tree(s, name) : &s->tree, name, shared, visit, &t);
		if (r >= 0 && !t.found && !e->depth)
			put_entry(&t, e->name[t.at], 0, 0);
		if (t.told)
			reply_out(s);
	}
	if (t.told) {
		sa_cats(&s->out, ")\r\n");
		reply_out(s);
	}
	return r < 0 ? -1 : 0;
}

#include "imap/flags.h"

#include <errno.h>

#include "imap/limits.h"
#include "imap/reply.h"
#include "lib/ascii.h"
#include "lib/sa.h"
#include "maildir/acl.h"
#include "maildir/name.h"

/* In the order in which they are told. $Forwarded has a letter of its own in file names. */
#define NAME(s) s, sizeof(s) - 1
static struct {
	unsigned int flag;
	char const *name;
	size_t len;
} const table[] = {
    {FLAG_ANSWERED, NAME("\\Answered")},
    {FLAG_FLAGGED, NAME("\\Flagged")},
    {FLAG_DELETED, NAME("\\Deleted")},
    {FLAG_SEEN, NAME("\\Seen")},
    {FLAG_DRAFT, NAME("\\Draft")},
    {FLAG_RECENT, NAME("\\Recent")},
    {FLAG_PASSED, NAME("$Forwarded")},
};
#define FLAGS (sizeof table / sizeof *table)

static unsigned int
by_name(struct text const *t)
{
	for (size_t k = 0; k < FLAGS; k++)
		if (table[k].flag != FLAG_RECENT && ascii_ieq(t->s, t->len, table[k].name))
			return table[k].flag;
	return 0;
}

static int
one_flag(struct parse *p, struct flag_list *out)
{
	struct text t;
	if (out->count == LIMIT_ARGUMENTS)
		return parse_fail(p, "Too many flags");
	if (!parse_flag(p, &t))
		return 0;
	unsigned int flag = by_name(&t);
	out->flags |= flag;
	if (flag)
		return 1;
	if (t.s[0] == '\\')
		return parse_fail(p, "Invalid system flag");
	out->keywords[out->count++] = t.s;
	return 1;
}

int
flags_parse(struct parse *p, struct flag_list *out, int bare)
{
	size_t room = 2;
	int list = parse_take(p, '(');
	if (!list && !bare)
		return parse_fail(p, "Flag list expected");
	for (size_t i = p->pos; i < p->len; i++)
		room += p->line[i] == ' ';
	*out = (struct flag_list){0, arena_alloc(p->arena, room * sizeof *out->keywords), 0};
	if (!list || parse_peek(p) != ')')
		do
			if (!one_flag(p, out))
				return 0;
		while (parse_take(p, ' '));
	out->keywords[out->count] = 0;
	return !list || parse_char(p, ')');
}

int
flags_refused(struct session const *s, struct flag_list const *l)
{
	unsigned int const denied = folder_denied(s->folder);
	if (!denied || (l->count && !(denied & RIGHT_WRITE)))
		return 0;
	unsigned int const any = l->flags || l->count ? l->flags : FLAG_LETTERS;
	return !acl_flags(denied, any);
}

char const *
flags_keywords(struct session *s, struct flag_list const *l, struct keyword_set *set)
{
	*set = (struct keyword_set)KEYWORD_SET_ZERO;
	if (folder_denied(s->folder) & RIGHT_WRITE)
		return 0;
	for (size_t k = 0; k < l->count; k++) {
		int n = folder_keyword(s->folder, l->keywords[k], strlen(l->keywords[k]), 1);
		if (n < 0)
			return errno == EOVERFLOW ? REPLY_KEYWORDS
			       : errno == EINVAL  ? REPLY_KEYWORD
						  : reply_errno(errno);
		keyword_add(set, (unsigned int)n);
	}
	return 0;
}

static void
put_word(stralloc *out, char const *name)
{
	if (out->s[out->len - 1] != '(')
		sa_append(out, ' ');
	sa_cats(out, name);
}

/* "(\Seen \Draft"; of message after message it is mostly the same. */
static struct flag_text const *
flag_text(struct session *s, unsigned int flags)
{
	struct flag_text *t = &s->flag_text;
	if (t->flags == flags && t->len)
		return t;
	t->flags = flags;
	t->len = 1;
	t->text[0] = '(';
	for (size_t k = 0; k < FLAGS; k++)
		if (flags & table[k].flag) {
			memcpy(t->text + t->len, table[k].name, table[k].len);
			t->len += table[k].len;
			t->text[t->len++] = ' ';
		}
	t->len -= t->len > 1;
	return t;
}

void
flags_put(struct session *s, uint32_t i)
{
	struct flag_text const *t = flag_text(
	    s, folder_flags(s->folder, i) & ~(session_rev2(s) ? (unsigned int)FLAG_RECENT : 0u));
	struct keyword_set set = folder_keyword_set(s->folder, i);
	struct keywords const *names = folder_keywords(s->folder);
	int first = t->len == 1;
	net_put(&s->net, t->text, t->len);
	if (!keyword_none(&set))
		for (unsigned int k = 0; k < names->count; k++)
			if (keyword_has(&set, k) && names->name[k]) {
				net_put(&s->net, " ", !first);
				net_puts(&s->net, names->name[k]);
				first = 0;
			}
	net_put(&s->net, ")", 1);
}

void
flags_put_modseq(struct session *s, uint32_t i)
{
	uint64_t const modseq = folder_modseq(s->folder, i);
	net_put(&s->net, "MODSEQ (", 8);
	net_putnum(&s->net, modseq);
	net_put(&s->net, ")", 1);
	if (modseq > s->told.modseq)
		s->told.modseq = modseq;
}

void
flags_put_head(struct session *s, uint32_t i)
{
	int const uidonly = s->enabled & ENABLE_UIDONLY;
	net_put(&s->net, "*", 1);
	net_put_number(&s->net, ' ', uidonly ? folder_uid(s->folder, i) : i + 1);
	/* The number of octets is known to the compiler. */
	if (uidonly)
		net_put(&s->net, " UIDFETCH ", 10);
	else
		net_put(&s->net, " FETCH ", 7);
}

/* RFC 3501 7.4.2. With UID and MODSEQ once a CONDSTORE enabling command was given (RFC 7162 3.2.4),
 * with UID by RFC 9051 7.5.2. */
void
flags_tell(struct session *s, uint32_t i, int flags)
{
	struct net *n = &s->net;
	flags_put_head(s, i);
	net_put(n, "(", 1);
	if (!(s->enabled & ENABLE_UIDONLY) && (s->uid || session_condstore(s) || session_rev2(s))) {
		net_puts(n, "UID ");
		net_putnum(n, folder_uid(s->folder, i));
		net_puts(n, " ");
	}
	if (flags) {
		net_puts(n, "FLAGS ");
		flags_put(s, i);
	}
	if (session_condstore(s)) {
		net_put(n, " ", flags != 0);
		flags_put_modseq(s, i);
	}
	net_puts(n, ")\r\n");
}

static void
put_names(stralloc *out, struct keywords const *names, unsigned int denied)
{
	for (size_t k = 0; k < FLAGS; k++)
		if (table[k].flag != FLAG_RECENT && acl_flags(denied, table[k].flag))
			put_word(out, table[k].name);
	for (unsigned int k = 0; k < names->count && !(denied & RIGHT_WRITE); k++)
		if (names->name[k] &&
		    !ascii_ieq(names->name[k], strlen(names->name[k]), "$Forwarded"))
			put_word(out, names->name[k]);
}

void
flags_announce(struct session *s)
{
	struct keywords const *names = folder_keywords(s->folder);
	stralloc *out = &s->out;
	sa_cats(out, "* FLAGS (");
	put_names(out, names, 0);
	sa_cats(out, ")\r\n* OK [PERMANENTFLAGS (");
	if (!s->readonly) {
		unsigned int const denied = folder_denied(s->folder);
		put_names(out, names, denied);
		if (!(denied & RIGHT_WRITE))
			put_word(out, "\\*");
	}
	sa_cats(out, s->readonly ? ")] Read-only mailbox.\r\n" : ")] Flags permitted.\r\n");
	reply_out(s);
	s->keywords = names->count;
}

void
flags_announce_new(struct session *s)
{
	if (folder_keywords(s->folder)->count != s->keywords)
		flags_announce(s);
}

/* CAPABILITY, NOOP, CHECK, LOGOUT, ID, ENABLE, NAMESPACE. */
#include "imap/commands.h"

#include <strings.h>

#include "imap/capability.h"
#include "imap/limits.h"
#include "imap/mailbox.h"
#include "imap/reply.h"
#include "imap/sync.h"
#include "lib/imap-text.h"
#include "lib/log.h"
#include "lib/sa.h"

char const *
capability_text(struct arena *a)
{
	stralloc list = STRALLOC_ZERO;
	capability_list(&list, 1);
	char const *text = arena_strndup(a, list.s, list.len);
	stralloc_free(&list);
	return text;
}

/* RFC 3501 6.1.1 */
char const *
cmd_capability(struct session *s, struct parse *p)
{
	net_putf(&s->net, "* CAPABILITY %s\r\n", capability_text(p->arena));
	return DONE;
}

/* RFC 3501 6.1.2, and CHECK (6.4.1): all that was acknowledged is on disk already. What is new is
 * told by the loop. */
char const *
cmd_noop(struct session *s, struct parse *p)
{
	(void)s;
	(void)p;
	return DONE;
}

/* RFC 3501 6.1.3 */
char const *
cmd_logout(struct session *s, struct parse *p)
{
	(void)p;
	session_bye(s, REPLY_BYE_LOGOUT);
	return DONE;
}

/* The fields worth a place in the log; null for others. */
static char const *
id_key(char const *name)
{
	static char const *const keys[] = {"name", "version", "os", "vendor", 0};
	for (size_t i = 0; keys[i]; i++)
		if (!strcasecmp(keys[i], name))
			return keys[i];
	return 0;
}

/* RFC 2971 3.1: who the client is goes to the log. */
char const *
cmd_id(struct session *s, struct parse *p)
{
	struct text name, value;
	unsigned int count = 0;
	if (!parse_sp(p))
		return BAD;
	log_event("client");
	if (!parse_take_word(p, "NIL") && parse_char(p, '(') && !parse_take(p, ')')) {
		do {
			if (++count > LIMIT_ID)
				return parse_fail(p, "Too many fields"), BAD;
			if (!parse_string(p, &name) || !parse_sp(p) || !parse_nstring(p, &value))
				return BAD;
			if (value.s && id_key(name.s))
				log_strn(id_key(name.s), value.s, value.len);
		} while (parse_take(p, ' '));
		parse_char(p, ')');
	}
	if (!parse_end(p))
		return BAD;
	log_send();
	net_puts(&s->net, "* ID (\"name\" \"postern\")\r\n");
	return DONE;
}

/* RFC 5161 3.1: unknown names are ignored; what is newly enabled is told. */
char const *
cmd_enable(struct session *s, struct parse *p)
{
	struct text name;
	unsigned int const before = s->enabled;
	sa_cats(&s->out, "* ENABLED");
	do {
		if (!parse_sp(p) || !parse_atom(p, &name)) {
			s->out.len = 0;
			return BAD;
		}
		unsigned int bits = capability_enables(name.s);
		if (bits & ~before)
			sa_catf(&s->out, " %s", name.s);
		if (bits & ENABLE_CONDSTORE)
			sync_condstore(s);
		s->enabled |= bits;
	} while (parse_peek(p));
	p->utf8 = s->enabled & (ENABLE_UTF8 | ENABLE_REV2);
	p->uidonly = (s->enabled & ENABLE_UIDONLY) != 0;
	sa_cats(&s->out, "\r\n");
	reply_out(s);
	return DONE;
}

/* RFC 2342 section 5: one personal namespace, and where there is sharing, one of the other users. */
char const *
cmd_namespace(struct session *s, struct parse *p)
{
	(void)p;
	sa_cats(&s->out, "* NAMESPACE ((");
	imap_string(&s->out, s->tree.prefix, strlen(s->tree.prefix));
	sa_catf(&s->out, " \"%c\")) ", s->tree.separator);
	if (s->tree.others) {
		sa_cats(&s->out, "((");
		imap_string(&s->out, s->tree.others, strlen(s->tree.others));
		sa_catf(&s->out, " \"%c\")) NIL\r\n", s->tree.separator);
	} else
		sa_cats(&s->out, "NIL NIL\r\n");
	reply_out(s);
	return DONE;
}

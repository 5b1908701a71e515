/* CAPABILITY, NOOP, CHECK, LOGOUT, ID, ENABLE, NAMESPACE. */
#include "imap/commands.h"

#include <strings.h>

#include "imap/limits.h"
#include "imap/mailbox.h"
#include "imap/reply.h"
#include "lib/imap-text.h"
#include "lib/log.h"
#include "lib/sa.h"

/* Advertised when whole, and never before. What belongs before login is imap-login's. */
static char const *const capabilities[] = {
    "IMAP4rev1",	  /* RFC 3501 */
    "LITERAL+",		  /* RFC 7888 */
    "SASL-IR",		  /* RFC 4959 */
    "ID",		  /* RFC 2971 */
    "ENABLE",		  /* RFC 5161 */
    "IDLE",		  /* RFC 2177 */
    "NAMESPACE",	  /* RFC 2342 */
    "CHILDREN",		  /* RFC 3348 */
    "UNSELECT",		  /* RFC 3691 */
    "UIDPLUS",		  /* RFC 4315 */
    "MOVE",		  /* RFC 6851 */
    "ESEARCH",		  /* RFC 4731 */
    "LIST-EXTENDED",	  /* RFC 5258 */
    "LIST-STATUS",	  /* RFC 5819 */
    "STATUS=SIZE",	  /* RFC 8438 */
    "SPECIAL-USE",	  /* RFC 6154 */
    "CREATE-SPECIAL-USE", /* RFC 6154 */
};
#define CAPABILITIES (sizeof capabilities / sizeof *capabilities)

char const *
capability_text(struct arena *a)
{
	size_t n = 0;
	for (size_t i = 0; i < CAPABILITIES; i++)
		n += strlen(capabilities[i]) + 1;
	char *s = arena_alloc(a, n), *p = s;
	for (size_t i = 0; i < CAPABILITIES; i++) {
		p = stpcpy(p, capabilities[i]);
		*p++ = ' ';
	}
	p[-1] = 0;
	return s;
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

/* RFC 5161 3.1: unknown names are ignored. Nothing that is advertised needs enabling. */
char const *
cmd_enable(struct session *s, struct parse *p)
{
	struct text name;
	do
		if (!parse_sp(p) || !parse_atom(p, &name))
			return BAD;
	while (parse_peek(p));
	if (!parse_end(p))
		return BAD;
	net_puts(&s->net, "* ENABLED\r\n");
	return DONE;
}

/* RFC 2342 section 5: one personal namespace. */
char const *
cmd_namespace(struct session *s, struct parse *p)
{
	(void)p;
	sa_cats(&s->out, "* NAMESPACE ((");
	imap_string(&s->out, s->tree.prefix, strlen(s->tree.prefix));
	sa_catf(&s->out, " \"%c\")) NIL NIL\r\n", s->tree.separator);
	reply_out(s);
	return DONE;
}

/* LMTP's commands: RFC 2033, which is RFC 5321 with LHLO. */
#include <string.h>
#include <strings.h>

#include <skalibs/types.h>

#include "lib/ascii.h"
#include "lib/conf.h"
#include "lib/idna.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "lib/utf8.h"
#include "lib/xtext.h"
#include "mda-local/lmtp.h"

/* LHLO: RFC 2033 4.1. */
static int
cmd_lhlo(void *session, char *arg, size_t len)
{
	struct lmtp *l = session;
	(void)arg;
	(void)len;
	lmtp_reset(l);
	l->state = LMTP_READY;
	net_puts(&l->net, "250-");
	net_puts(&l->net, conf_me());
	net_puts(&l->net, "\r\n250-PIPELINING\r\n250-SIZE ");
	net_putnum(&l->net, l->size_max);
	net_puts(&l->net,
	    "\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-CHUNKING\r\n250-ENHANCEDSTATUSCODES\r\n"
	    "250-DSN\r\n250-REQUIRETLS\r\n250-XREFUSAL\r\n");
	net_puts(&l->net, l->net.passed ? "250-XSEALED\r\n" : "");
	net_puts(&l->net, "250 XFORWARD IDENT\r\n");
	return 0;
}

static int
cmd_not_lmtp(void *session, char *arg, size_t len)
{
	(void)arg;
	(void)len;
	lmtp_reply(session, REPLY_NOT_LMTP);
	return 0;
}

static int
fits(char *to, char const *from)
{
	if (strlen(from) >= WORK_ADDRESS_MAX)
		return 0;
	strcpy(to, from);
	return 1;
}

/* A refusal in the words of lib/smtp-envelope.h. */
static int
refuse(struct lmtp *l, char const *text)
{
	net_putf(&l->net, "%s\r\n", text);
	l->errors++;
	return 0;
}

#define MESSAGE_DIGITS 9
#define MESSAGES 1000000000

static void
new_id(struct lmtp *l, char id[static ID_MAX + 1])
{
	l->messages++;
	if (*l->next_id)
		strcpy(id, l->next_id);
	else {
		/* Cut ids would not be unique: the connection's is shorter than ID_MAX by far. */
		size_t const n = strnlen(l->connection, ID_MAX - 1 - MESSAGE_DIGITS);
		memcpy(id, l->connection, n);
		id[n] = '.';
		id[n + 1 + uint_fmt(id + n + 1, l->messages % MESSAGES)] = 0;
	}
	l->next_id[0] = 0;
}

/* MAIL: RFC 5321 4.1.1.2; SIZE: RFC 1870 6. Nobody needs to know before there is a recipient. */
static int
cmd_mail(void *session, char *arg, size_t len)
{
	struct lmtp *l = session;
	struct smtp_mail m = {.size = 0};
	struct ask *const q = lmtp_ask(l, ASK_MAIL);
	(void)len;
	char const *error = smtp_mail_parse(&l->arena, arg, LMTP_EXTENSIONS, &m);
	if (error)
		return refuse(l, error);
	if (m.size > l->size_max) {
		lmtp_reply(l, REPLY_TOO_BIG);
		return 0;
	}
	if (!fits(q->path, m.from.text) || (m.envid && !fits(q->extra, m.envid)))
		return refuse(l, "501 5.1.7 sender address too long");
	q->size = m.size;
	q->body = m.body;
	q->ret = m.ret;
	q->smtputf8 = m.smtputf8 != 0;
	q->requiretls = m.requiretls != 0;
	new_id(l, q->id);
	log_id(q->id);
	l->state = LMTP_MAIL;
	lmtp_later(l);
	lmtp_reply(l, REPLY_SENDER_OK);
	return 0;
}

/* The domain as tables have it: A-labels. */
static int
set_domain(char *to, char const *domain)
{
	stralloc sa = STRALLOC_ZERO;
	int ok = 1;
	if (utf8_has8bit(domain, strlen(domain))) {
		ok = !idna_to_ascii(&sa, domain, strlen(domain));
		domain = ok ? sa_str(&sa) : "";
	}
	ok = ok && fits(to, domain);
	stralloc_free(&sa);
	return ok;
}

/* RCPT: RFC 5321 4.1.1.3. The parent resolves and checks. */
static int
cmd_rcpt(void *session, char *arg, size_t len)
{
	struct lmtp *l = session;
	struct smtp_rcpt r = {.notify = 0};
	struct ask *const q = lmtp_ask(l, ASK_RCPT);
	struct answer a;
	int fd;
	(void)len;
	char const *error = smtp_rcpt_parse(&l->arena, arg, LMTP_EXTENSIONS, 1, &r);
	if (error)
		return refuse(l, error);
	q->notify = r.notify;
	if (l->count == MDA_RCPT_MAX) {
		lmtp_reply(l, REPLY_RCPT_MANY);
		return 0;
	}
	if (!fits(q->path, r.to.text) || !fits(q->local, r.to.local) ||
	    !set_domain(q->domain, r.to.domain) || (r.orcpt && !fits(q->extra, r.orcpt))) {
		lmtp_reply(l, REPLY_BAD_ADDRESS);
		return 0;
	}
	if (lmtp_tell(l, -1) < 0 || lmtp_hear(l, &a, &fd) < 0) {
		lmtp_reply(l, REPLY_WORKER);
		return -1;
	}
	if (fd >= 0)
		incoming_replace(&l->message, fd);
	if (a.reply == REPLY_RCPT_OK) {
		l->rcpt[l->count++].address = a.forwards ? r.to.text : 0;
		l->state = LMTP_RCPT;
		if (a.may_refuse)
			a.reply = REPLY_RCPT_MAY_REFUSE;
	}
	lmtp_answer(l, &a);
	return 0;
}

static int
cmd_rset(void *session, char *arg, size_t len)
{
	(void)arg;
	(void)len;
	lmtp_reset(session);
	lmtp_reply(session, REPLY_RSET);
	return 0;
}

static int
cmd_noop(void *session, char *arg, size_t len)
{
	(void)arg;
	(void)len;
	lmtp_reply(session, REPLY_NOOP);
	return 0;
}

/* VRFY: RFC 5321 3.5.3. */
static int
cmd_vrfy(void *session, char *arg, size_t len)
{
	(void)arg;
	(void)len;
	lmtp_reply(session, REPLY_VRFY);
	return 0;
}

static int
cmd_quit(void *session, char *arg, size_t len)
{
	(void)arg;
	(void)len;
	lmtp_reply(session, REPLY_BYE);
	return 1;
}

/* One NAME=xtext: 0, or -1. What is not IDENT is of no use here. */
static int
xforward_attribute(struct lmtp *l, char const *s, size_t n)
{
	static char const ident[] = "IDENT=";
	stralloc sa = STRALLOC_ZERO;
	char const *eq = memchr(s, '=', n);
	if (!eq || eq == s)
		return -1;
	size_t vlen = n - (size_t)(eq + 1 - s);
	int r = xtext_decode(&sa, eq + 1, vlen);
	if (!r && !strncasecmp(s, ident, sizeof ident - 1)) {
		if (sa.len && id_valid(sa_str(&sa)) && !memchr(sa.s, 0, sa.len))
			strcpy(l->next_id, sa.s);
		else
			r = -1;
	}
	stralloc_free(&sa);
	return r;
}

/* XFORWARD, Postfix's extension: the message's id, for the log. */
static int
cmd_xforward(void *session, char *arg, size_t len)
{
	(void)len;
	int bad = 0;
	for (char *s = arg; *s && !bad;) {
		size_t n = strcspn(s, " \t");
		bad = xforward_attribute(session, s, n) < 0;
		s += n;
		s += strspn(s, " \t");
	}
	lmtp_reply(session, bad ? REPLY_BAD_XFORWARD : REPLY_XFORWARD);
	return 0;
}

#define GREETED (LMTP_ANY & ~LMTP_NEW)

/* clang-format off */
struct command const lmtp_commands[] = {
	{"MAIL",     cmd_mail,     LMTP_READY,             ARGS_SOME, 0,            "MAIL FROM:<address> [parameters]"},
	{"RCPT",     cmd_rcpt,     LMTP_MAIL | LMTP_RCPT,  ARGS_SOME, 0,            "RCPT TO:<address>"},
	{"DATA",     lmtp_data,    LMTP_RCPT,              ARGS_NONE, COMMAND_LAST, "DATA"},
	/* In every state: its octets have to be taken before it can be refused. */
	{"BDAT",     lmtp_bdat,    LMTP_ANY,               ARGS_ANY,  0,            "BDAT size [LAST]"},
	{"XSEALED",  lmtp_sealed,  LMTP_RCPT,              ARGS_NONE, 0,            "XSEALED"},
	{"RSET",     cmd_rset,     LMTP_ANY,               ARGS_NONE, 0,            "RSET"},
	{"LHLO",     cmd_lhlo,     LMTP_ANY,               ARGS_SOME, COMMAND_LAST, "LHLO name"},
	{"QUIT",     cmd_quit,     LMTP_ANY,               ARGS_NONE, COMMAND_LAST, "QUIT"},
	{"NOOP",     cmd_noop,     LMTP_ANY,               ARGS_ANY,  COMMAND_LAST, "NOOP"},
	{"VRFY",     cmd_vrfy,     GREETED,                ARGS_SOME, COMMAND_LAST, "VRFY address"},
	{"XFORWARD", cmd_xforward, LMTP_READY,             ARGS_SOME, 0,            "XFORWARD IDENT=id"},
	{"HELO",     cmd_not_lmtp, LMTP_ANY,               ARGS_ANY,  0,            "LHLO name"},
	{"EHLO",     cmd_not_lmtp, LMTP_ANY,               ARGS_ANY,  0,            "LHLO name"},
	{0, 0, 0, ARGS_NONE, 0, 0},
};
/* clang-format on */

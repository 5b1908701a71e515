#include "mda-remote/recv-session.h"

#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>

#include "lib/ascii.h"
#include "lib/conf.h"
#include "lib/date-utc.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "lib/xtext.h"
#include "mda-remote/recv-replies.h"

/* Not BINARYMIME: it needs CR and LF kept apart, which the spool's line ends do not. */
#define OFFERED                                                                                    \
	(EXT_PIPELINING | EXT_SIZE | EXT_8BITMIME | EXT_SMTPUTF8 | EXT_CHUNKING | EXT_DSN |        \
	    EXT_ENHANCEDSTATUSCODES | EXT_REQUIRETLS | EXT_DELIVERBY)
#define ANY (GREETED | READY | MAIL | RCPT | CHUNKS)

void
recv_reply(struct recv_session *s, char const *line)
{
	net_putf(&s->net, "%s\r\n", line);
	if (*line >= '4')
		s->errors++;
}

void
recv_late(struct recv_session *s, char const *during)
{
	log_1("timeout", "during", during);
	recv_reply(s, R_TIMEOUT);
}

void
recv_reset(struct recv_session *s)
{
	if (s->open)
		spool_abort(&s->file);
	s->open = 0;
	s->failed = 0;
	memset(&s->e, 0, sizeof s->e);
	s->room = 0;
	arena_reset(&s->arena);
	if (s->state != GREETED)
		s->state = READY;
}

/* RFC 2033 4.1 */
static int
cmd_lhlo(void *session, char *arg, size_t len)
{
	struct recv_session *s = session;
	(void)arg, (void)len;
	s->state = READY;
	recv_reset(s);
	net_putf(&s->net,
	    "250-%s\r\n250-PIPELINING\r\n250-SIZE %llu\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n"
	    "250-CHUNKING\r\n250-DSN\r\n250-REQUIRETLS\r\n250-DELIVERBY\r\n",
	    conf_me(), (unsigned long long)s->size_max);
	if (!s->foreign) {
		stralloc until = STRALLOC_ZERO;
		date_utc(&until, (int64_t)time(0) + FUTURE_MAX);
		net_putf(&s->net, "250-XFORWARD IDENT LOGIN HOLD\r\n250-FUTURERELEASE %d %s\r\n",
		    FUTURE_MAX, sa_str(&until));
		stralloc_free(&until);
	}
	net_puts(&s->net, "250 ENHANCEDSTATUSCODES\r\n");
	return 0;
}

/* An attribute in xtext for the next message; what may not stand in a record is `otherwise`. */
static void
set_text(char text[static ENVELOPE_TEXT_MAX + 1], char const *value, char const *otherwise)
{
	stralloc sa = STRALLOC_ZERO;
	int ok = !xtext_decode(&sa, value, strlen(value)) && sa.len <= ENVELOPE_TEXT_MAX &&
		 !memchr(sa.s ? sa.s : "", 0, sa.len) && envelope_text_valid(sa_str(&sa));
	strcpy(text, ok ? sa.s : otherwise);
	stralloc_free(&sa);
}

/* The value of the word w if it is NAME=value, or null. */
static char const *
attribute(char const *w, char const *name)
{
	size_t n = strlen(name);
	return strlen(w) > n && ascii_ieq(w, n, name) ? w + n : 0;
}

/* Postfix's extension: XFORWARD IDENT=id, and our LOGIN=xtext (who handed it in) and HOLD=xtext
 * (why it is held: held it is, even if that cannot be said). Other attributes are passed over. */
static int
cmd_xforward(void *session, char *arg, size_t len)
{
	struct recv_session *s = session;
	char *save;
	(void)len;
	if (s->foreign) {
		recv_reply(s, R_UNKNOWN);
		return 0;
	}
	for (char *w = strtok_r(arg, " \t", &save); w; w = strtok_r(0, " \t", &save)) {
		char const *value;
		if ((value = attribute(w, "IDENT=")) && id_valid(value))
			snprintf(s->ident, sizeof s->ident, "%s", value);
		else if ((value = attribute(w, "LOGIN=")))
			set_text(s->login, value, "");
		else if ((value = attribute(w, "HOLD=")))
			set_text(s->hold, value, "?");
	}
	recv_reply(s, R_DONE);
	return 0;
}

static int
no_space(struct recv_session *s, uint64_t size)
{
	struct statvfs v;
	if (fstatvfs(s->fd_spool, &v) < 0)
		return 0;
	uint64_t room = (uint64_t)v.f_bavail * v.f_frsize;
	/* Some filesystems have no fixed number of inodes and report 0 of 0. */
	return room < s->min_free || room - s->min_free < size || (v.f_files && !v.f_favail);
}

/* The id of this message: IDENT, or the connection's and a number. */
static void
message_id(struct recv_session *s)
{
	s->messages++;
	s->untold = !s->ident[0];
	if (!s->untold)
		snprintf(s->id, sizeof s->id, "%s", s->ident);
	else
		snprintf(s->id, sizeof s->id, "%.28s.%u", id_connection(), s->messages);
	/* It names the file too: "+" marks notifications, and no name begins with a dot. */
	for (char *p = s->id; *p; p++)
		if (*p == '+' || (*p == '.' && p == s->id))
			*p = '_';
	s->ident[0] = 0;
	log_id(s->id);
}

/* RFC 5321 4.1.1.2, 1870, 6152, 6531, 3461 */
static int
cmd_mail(void *session, char *arg, size_t len)
{
	struct recv_session *s = session;
	(void)len;
	char const *error = smtp_mail_parse(
	    &s->arena, arg, OFFERED | (s->foreign ? 0 : EXT_FUTURERELEASE), &s->e.mail);
	if (!error && s->size_max && s->e.mail.size > s->size_max)
		error = R_SIZE;
	if (!error && no_space(s, s->e.mail.size))
		error = R_NOSPACE;
	if (!error) {
		message_id(s);
		if (s->login[0])
			s->e.mail.login = arena_strndup(&s->arena, s->login, strlen(s->login));
		if (s->hold[0])
			s->e.hold = arena_strndup(&s->arena, s->hold, strlen(s->hold));
		s->state = MAIL;
	}
	s->hold[0] = 0;
	if (!s->foreign) /* such a caller stays who he is */
		s->login[0] = 0;
	recv_reply(s, error ? error : R_SENDER_OK);
	return 0;
}

static void
add_rcpt(struct recv_session *s, struct smtp_rcpt const *r)
{
	if (s->e.count == s->room) {
		s->room = s->room ? s->room * 2 : 4;
		struct envelope_rcpt *more = arena_alloc(&s->arena, s->room * sizeof *more);
		if (s->e.count)
			memcpy(more, s->e.rcpt, s->e.count * sizeof *more);
		s->e.rcpt = more;
	}
	s->e.rcpt[s->e.count++] =
	    (struct envelope_rcpt){.rcpt = *r, .state = RCPT_WAITING, .delay = DELAY_UNTOLD};
}

/* RFC 5321 4.1.1.3 */
static int
cmd_rcpt(void *session, char *arg, size_t len)
{
	struct recv_session *s = session;
	struct smtp_rcpt r;
	(void)len;
	char const *error = smtp_rcpt_parse(&s->arena, arg, OFFERED, s->e.mail.smtputf8, &r);
	if (!error && s->e.count == s->rcpt_max)
		error = R_RCPTS;
	if (!error && !*r.to.domain)
		error = R_NO_DOMAIN;
	if (!error) {
		add_rcpt(s, &r);
		s->state = RCPT;
	}
	recv_reply(s, error ? error : R_RCPT_OK);
	return 0;
}

static int
cmd_rset(void *session, char *arg, size_t len)
{
	(void)arg, (void)len;
	recv_reset(session);
	recv_reply(session, R_DONE);
	return 0;
}

static int
cmd_noop(void *session, char *arg, size_t len)
{
	(void)arg, (void)len;
	recv_reply(session, R_DONE);
	return 0;
}

static int
cmd_vrfy(void *session, char *arg, size_t len)
{
	(void)arg, (void)len;
	recv_reply(session, R_VRFY);
	return 0;
}

static int
cmd_help(void *session, char *arg, size_t len)
{
	struct recv_session *s = session;
	(void)arg, (void)len;
	net_puts(&s->net, "214 2.0.0");
	for (struct command const *c = recv_commands; c->verb; c++)
		if (!(c->flags & COMMAND_HIDDEN))
			net_putf(&s->net, " %s", c->verb);
	net_puts(&s->net, "\r\n");
	return 0;
}

static int
cmd_quit(void *session, char *arg, size_t len)
{
	(void)arg, (void)len;
	recv_reply(session, R_BYE);
	return 1;
}

/* clang-format off */
struct command const recv_commands[] = {
	{"LHLO",     cmd_lhlo,     ANY,                   ARGS_SOME, COMMAND_LAST,   "LHLO name"},
	{"XFORWARD", cmd_xforward, READY,                 ARGS_SOME, COMMAND_HIDDEN, "XFORWARD IDENT=id LOGIN=xtext HOLD=xtext"},
	{"MAIL",     cmd_mail,     READY,                 ARGS_SOME, 0,              "MAIL FROM:<address>"},
	{"RCPT",     cmd_rcpt,     MAIL | RCPT,           ARGS_SOME, 0,              "RCPT TO:<address>"},
	{"DATA",     recv_data,    RCPT,                  ARGS_NONE, COMMAND_LAST,   "DATA"},
	{"BDAT",     recv_bdat,    ANY,                   ARGS_SOME, 0,              "BDAT size [LAST]"},
	{"RSET",     cmd_rset,     ANY,                   ARGS_NONE, 0,              "RSET"},
	{"NOOP",     cmd_noop,     ANY,                   ARGS_ANY,  COMMAND_LAST,   "NOOP"},
	{"VRFY",     cmd_vrfy,     ANY,                   ARGS_SOME, COMMAND_LAST,   "VRFY address"},
	{"HELP",     cmd_help,     ANY,                   ARGS_ANY,  0,              "HELP"},
	{"QUIT",     cmd_quit,     ANY,                   ARGS_NONE, COMMAND_LAST,   "QUIT"},
	{0, 0, 0, ARGS_ANY, 0, 0},
};
/* clang-format on */

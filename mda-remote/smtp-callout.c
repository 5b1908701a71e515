/* smtp-callout: says over LMTP (RFC 2033) whether the server that a recipient's mail will go to
 * would take it now; takes no message. smtp-recv asks it about relay domains.
 *
 * Descriptors: 0 and 1 the connection; 2 log lines. Arguments: none.
 * Environment: POSTERN_DIR, POSTERN_ID, what lib/ucspi.h reads; PATH, in which it finds smtp-send
 * and mda-remote-dns. Exit: 0 at the end of the session, 100 usage or bad setting, 111 temporary.
 * Touches: run/callout/answers; etc/ through the process that it forks first (errand.h), which
 * starts its children, too. Privileges: none; the spool's uid is smtp-send's, for etc/auth/. What
 * servers and the DNS say is parsed by those two. RCPT is answered by 250; 550:
 * the server refuses it for good; 450: it cannot be told now. */
#include <errno.h>
#include <stdio.h>

#include <skalibs/sig.h>
#include <skalibs/strerr.h>

#include "lib/command.h"
#include "lib/conf.h"
#include "lib/id.h"
#include "lib/log.h"
#include "lib/net.h"
#include "lib/sandbox.h"
#include "lib/ucspi.h"
#include "mda-remote/callout.h"
#include "mda-remote/errand.h"

/* Before LHLO; no transaction; behind MAIL. */
enum { GREETED = 1, READY = 2, MAIL = 4 };
#define ANY (GREETED | READY | MAIL)
#define OFFERED (EXT_PIPELINING | EXT_8BITMIME | EXT_SMTPUTF8 | EXT_ENHANCEDSTATUSCODES)

/* The connection, the file of answers, and links to its children: no file by name, no socket, no
 * process. What needs those is an errand (errand.h). */
static struct sandbox const sandbox_policy = {.file_size = CALLOUT_FILE_MAX, .processes = 0};

struct callout {
	struct net net;
	struct arena arena; /* of one transaction */
	struct smtp_mail mail;
	unsigned int state, errors;
};

static command_fn cmd_lhlo, cmd_mail, cmd_rcpt, cmd_data, cmd_rset, cmd_noop, cmd_vrfy, cmd_help,
    cmd_quit;

/* clang-format off */
static struct command const commands[] = {
	{"LHLO", cmd_lhlo, ANY,          ARGS_SOME, COMMAND_LAST, "LHLO name"},
	{"MAIL", cmd_mail, READY,        ARGS_SOME, 0,            "MAIL FROM:<address>"},
	{"RCPT", cmd_rcpt, MAIL,         ARGS_SOME, 0,            "RCPT TO:<address>"},
	{"DATA", cmd_data, ANY,          ARGS_NONE, COMMAND_LAST, "DATA"},
	{"RSET", cmd_rset, ANY,          ARGS_NONE, 0,            "RSET"},
	{"NOOP", cmd_noop, ANY,          ARGS_ANY,  COMMAND_LAST, "NOOP"},
	{"VRFY", cmd_vrfy, ANY,          ARGS_SOME, COMMAND_LAST, "VRFY address"},
	{"HELP", cmd_help, ANY,          ARGS_ANY,  0,            "HELP"},
	{"QUIT", cmd_quit, ANY,          ARGS_NONE, COMMAND_LAST, "QUIT"},
	{0, 0, 0, ARGS_ANY, 0, 0},
};
/* clang-format on */

static void
reply(struct callout *s, char const *line)
{
	net_putf(&s->net, "%s\r\n", line);
	if (*line == '5')
		s->errors++;
}

static void
forget(struct callout *s)
{
	arena_reset(&s->arena);
	if (s->state != GREETED)
		s->state = READY;
}

/* RFC 2033 4.1 */
static int
cmd_lhlo(void *session, char *arg, size_t len)
{
	struct callout *s = session;
	(void)arg, (void)len;
	s->state = READY;
	forget(s);
	net_putf(&s->net,
	    "250-%s\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n"
	    "250 ENHANCEDSTATUSCODES\r\n",
	    conf_me());
	return 0;
}

/* The server is asked with the null sender, whoever sends. */
static int
cmd_mail(void *session, char *arg, size_t len)
{
	struct callout *s = session;
	(void)len;
	char const *error = smtp_mail_parse(&s->arena, arg, OFFERED, &s->mail);
	if (!error)
		s->state = MAIL;
	reply(s, error ? error : "250 2.1.0 sender ok");
	return 0;
}

static int
cmd_rcpt(void *session, char *arg, size_t len)
{
	struct callout *s = session;
	struct smtp_rcpt r;
	struct answer a;
	char line[CALLOUT_TEXT_MAX + 16];
	(void)len;
	char const *error = smtp_rcpt_parse(&s->arena, arg, OFFERED, s->mail.smtputf8, &r);
	if (!error && !*r.to.domain)
		error = "550 5.1.3 an address without a domain";
	if (!error) {
		callout_ask(&r.to, &a);
		snprintf(line, sizeof line, "%03u %s", a.code, a.text);
		error = line;
	}
	net_putf(&s->net, "%s\r\n", error);
	return 0;
}

static int
cmd_data(void *session, char *arg, size_t len)
{
	(void)arg, (void)len;
	reply(session, "503 5.5.1 no message is taken here");
	return 0;
}

static int
cmd_rset(void *session, char *arg, size_t len)
{
	(void)arg, (void)len;
	forget(session);
	reply(session, "250 2.0.0 ok");
	return 0;
}

static int
cmd_noop(void *session, char *arg, size_t len)
{
	(void)arg, (void)len;
	reply(session, "250 2.0.0 ok");
	return 0;
}

static int
cmd_vrfy(void *session, char *arg, size_t len)
{
	(void)arg, (void)len;
	reply(session, "252 2.5.0 MAIL and RCPT tell");
	return 0;
}

static int
cmd_help(void *session, char *arg, size_t len)
{
	struct callout *s = session;
	(void)arg, (void)len;
	net_puts(&s->net, "214 2.0.0");
	for (struct command const *c = commands; c->verb; c++)
		net_putf(&s->net, " %s", c->verb);
	net_puts(&s->net, "\r\n");
	return 0;
}

static int
cmd_quit(void *session, char *arg, size_t len)
{
	(void)arg, (void)len;
	reply(session, "221 2.0.0 goodbye");
	return 1;
}

/* One line: 0 to go on. */
static int
serve_line(struct callout *s)
{
	char line[SMTP_LINE_MAX], *arg;
	size_t len, arglen;
	struct command const *row;
	net_deadline(&s->net, CALLOUT_IDLE_SECONDS);
	switch (net_getline(&s->net, line, sizeof line, &len)) {
	case NET_LONG:
		reply(s, "500 5.5.2 line too long");
		return 0;
	case NET_EOF:
		return 1;
	case NET_ERROR:
		if (errno == ETIMEDOUT)
			reply(s, "421 4.4.2 timeout");
		return 1;
	case NET_LINE:
		break;
	}
	switch (command_check(commands, s->state, line, len, &row, &arg, &arglen)) {
	case COMMAND_OK:
		return row->fn(s, arg, arglen);
	case COMMAND_BADSTATE:
		reply(s, "503 5.5.1 bad sequence of commands");
		return 0;
	case COMMAND_NEEDSARG:
	case COMMAND_NOARG:
		reply(s, "501 5.5.4 syntax error in the argument");
		return 0;
	default:
		reply(s, "500 5.5.1 unknown command");
		return 0;
	}
}

int
main(int argc, char **argv)
{
	static struct callout s;
	struct ucspi peer;
	(void)argv;
	PROG = "smtp-callout";
	if (argc != 1)
		strerr_dieusage(100, "smtp-callout");
	sandbox_close_but(0, 0);
	sig_ignore(SIGPIPE);
	ucspi_init(&peer);
	log_id(id_connection());
	errand_start();
	callout_init();
	sandbox_enter(&sandbox_policy);
	net_init(&s.net, 0, 1);
	s.state = GREETED;
	net_deadline(&s.net, CALLOUT_IDLE_SECONDS);
	net_putf(&s.net, "220 %s LMTP postern callout\r\n", conf_me());
	while (!serve_line(&s))
		if (s.errors > CALLOUT_ERRORS_MAX) {
			reply(&s, "421 4.7.0 too many errors");
			break;
		}
	server_close();
	net_finish(&s.net, 1);
	return 0;
}

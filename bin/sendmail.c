/* sendmail: hands a message from a local program to the mail system, with the command line that
 * programs know.
 *
 * Descriptors: 0 the message, 1 what -bp and -bs say, 2 messages. Arguments: man/sendmail.1; run as
 * newaliases it does nothing, as mailq it runs mailq.
 * Environment: POSTERN_DIR, TMPDIR; USER or LOGNAME where the password file names nobody.
 * Exit: sysexits (bin/sendmail.h): 0 taken, 75 try later, others permanent.
 * Touches: run/submission/sock, an unlinked temporary file. Where nothing listens it runs
 * spool-recv, which is set-id. Privileges: none, the caller's. */
#include "bin/sendmail.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <skalibs/sig.h>
#include <skalibs/strerr.h>

#include "lib/ascii.h"
#include "lib/conf.h"
#include "lib/sa.h"
#include "lib/secret.h"
#include "lib/xtext.h"

void
sendmail_die(int code, char const *what, char const *more)
{
	strerr_dief2x(code, what, more);
}

/* ---- options ---- */

typedef void option_fn(struct sendmail *s, char const *value);

static void
set_mode(struct sendmail *s, char const *v)
{
	static struct {
		char letter;
		enum sendmail_mode mode;
	} const modes[] = {{'m', MODE_SEND}, {'s', MODE_SMTP}, {'p', MODE_QUEUE},
	    {'v', MODE_VERIFY}, {'i', MODE_NOTHING}};
	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
		if (v[0] == modes[i].letter && !v[1]) {
			s->mode = modes[i].mode;
			return;
		}
	sendmail_die(SENDMAIL_USAGE, "not supported here: -b", v);
}

static void
set_sender(struct sendmail *s, char const *v)
{
	s->sender = v;
}

static void
set_name(struct sendmail *s, char const *v)
{
	s->full_name = v;
}

static void
set_headers(struct sendmail *s, char const *v)
{
	(void)v;
	s->from_header = 1;
}

static void
set_dots(struct sendmail *s, char const *v)
{
	(void)v;
	s->no_dots = 1;
}

static void
set_verbose(struct sendmail *s, char const *v)
{
	(void)v;
	s->verbose = 1;
}

static void
set_flush(struct sendmail *s, char const *v)
{
	(void)v;
	s->flush = 1;
}

/* -oi is -i; every other -o is an option of another mail system. */
static void
set_o(struct sendmail *s, char const *v)
{
	if (!strcmp(v, "i"))
		s->no_dots = 1;
}

/* The long form of the same. */
static void
set_O(struct sendmail *s, char const *v)
{
	static char const name[] = "IgnoreDots";
	size_t const n = sizeof name - 1;
	if (!strncasecmp(v, name, n) && (!v[n] || (v[n] == '=' && strchr("TtYy", v[n + 1]))))
		s->no_dots = 1;
}

static void
set_notify(struct sendmail *s, char const *v)
{
	static struct {
		char const *word;
		unsigned int bit;
	} const words[] = {{"never", NOTIFY_NEVER}, {"success", NOTIFY_SUCCESS},
	    {"failure", NOTIFY_FAILURE}, {"delay", NOTIFY_DELAY}};
	for (char const *p = v;;) {
		size_t n = strcspn(p, ","), i = 0;
		while (i < 4 && !ascii_ieq(p, n, words[i].word))
			i++;
		if (i == 4)
			sendmail_die(SENDMAIL_USAGE, "bad value: -N ", v);
		s->notify |= words[i].bit;
		if (!p[n])
			break;
		p += n + 1;
	}
	if ((s->notify & NOTIFY_NEVER) && s->notify != NOTIFY_NEVER)
		sendmail_die(SENDMAIL_USAGE, "bad value: -N ", v);
}

static void
set_ret(struct sendmail *s, char const *v)
{
	s->mail.ret = !strcasecmp(v, "full")   ? RET_FULL
		      : !strcasecmp(v, "hdrs") ? RET_HDRS
					       : RET_UNSET;
	if (s->mail.ret == RET_UNSET)
		sendmail_die(SENDMAIL_USAGE, "bad value: -R ", v);
}

static void
set_envid(struct sendmail *s, char const *v)
{
	stralloc sa = STRALLOC_ZERO;
	xtext_encode(&sa, v, strlen(v));
	s->mail.envid = arena_strndup(&s->arena, sa.s ? sa.s : "", sa.len);
	stralloc_free(&sa);
	if (!*s->mail.envid || strlen(s->mail.envid) > 100)
		sendmail_die(SENDMAIL_USAGE, "bad value: -V ", v);
}

static void
set_body(struct sendmail *s, char const *v)
{
	if (!strcasecmp(v, "8BITMIME"))
		s->mail.body = BODY_8BITMIME;
	else if (strcasecmp(v, "7BIT"))
		sendmail_die(SENDMAIL_USAGE, "bad value: -B ", v);
}

/* VALUE: attached or the next word; ATTACHED: attached, or nothing. No function: accepted, without
 * effect. */
/* clang-format off */
static struct option {
	char letter;
	enum { FLAG, VALUE, ATTACHED } kind;
	option_fn *fn;
} const options[] = {
	{'t', FLAG, set_headers}, {'i', FLAG, set_dots}, {'v', FLAG, set_verbose},
	{'f', VALUE, set_sender}, {'r', VALUE, set_sender}, {'F', VALUE, set_name},
	{'b', VALUE, set_mode}, {'o', VALUE, set_o}, {'B', VALUE, set_body},
	{'N', VALUE, set_notify}, {'R', VALUE, set_ret}, {'V', VALUE, set_envid},
	{'O', VALUE, set_O}, {'q', ATTACHED, set_flush},
	{'c', FLAG, 0}, {'m', FLAG, 0}, {'n', FLAG, 0}, {'s', FLAG, 0}, {'x', FLAG, 0}, {'E', FLAG, 0}, {'G', FLAG, 0},
	{'I', FLAG, 0}, {'J', FLAG, 0}, {'U', FLAG, 0},
	{'d', ATTACHED, 0}, {'A', ATTACHED, 0}, {'Q', ATTACHED, 0},
	{'e', VALUE, 0}, {'h', VALUE, 0}, {'p', VALUE, 0}, {'C', VALUE, 0}, {'D', VALUE, 0}, {'L', VALUE, 0}, {'M', VALUE, 0},
	{'X', VALUE, 0},
};
/* clang-format on */

static struct option const *
find(char letter)
{
	for (size_t i = 0; i < sizeof options / sizeof *options; i++)
		if (options[i].letter == letter)
			return options + i;
	sendmail_die(SENDMAIL_USAGE, "unknown option: -", (char[]){letter, 0});
}

/* One word of options: "-ti", "-fx", "-f" and its value behind it. The number of words used. */
static int
option_word(struct sendmail *s, char const *const *argv)
{
	for (char const *p = argv[0] + 1; *p; p++) {
		struct option const *o = find(*p);
		char const *value = p + 1;
		int words = 1;
		if (o->kind == VALUE && !*value) {
			value = argv[1];
			words = 2;
			if (!value)
				sendmail_die(SENDMAIL_USAGE, "needs a value: -", (char[]){*p, 0});
		}
		if (o->fn)
			o->fn(s, value);
		if (o->kind != FLAG)
			return words;
	}
	return 1;
}

/* Options and recipients may come mixed; what follows "--" is recipients. */
static void
read_arguments(struct sendmail *s, char const *const *argv, char const **recipients)
{
	int end = 0;
	for (argv++; *argv;) {
		if (!end && !strcmp(*argv, "--"))
			end = 1, argv++;
		else if (!end && argv[0][0] == '-' && argv[0][1])
			argv += option_word(s, argv);
		else
			*recipients++ = *argv++;
	}
	*recipients = 0;
}

/* ---- who sends ---- */

static void
caller(struct sendmail *s)
{
	struct passwd *pw = getpwuid(getuid());
	char const *name = getenv("USER");
	if (!name || !*name)
		name = getenv("LOGNAME");
	s->login = pw ? pw->pw_name : name && *name ? name : "nobody";
	if (!s->full_name && pw && pw->pw_gecos)
		s->full_name = arena_strndup(&s->arena, pw->pw_gecos, strcspn(pw->pw_gecos, ","));
}

static void
set_from(struct sendmail *s)
{
	char const *address = sendmail_qualify(s, s->sender ? s->sender : s->login);
	s->mail.from = (struct smtp_path){"", "", "", 0};
	if (*address && smtp_path_set(&s->arena, address, &s->mail.from) < 0)
		sendmail_die(SENDMAIL_USAGE, "bad sender address: ", address);
}

static int
run_mailq(char const *arg)
{
	sendmail_exec("mailq", arg);
	strerr_warnwu1sys("run mailq");
	return SENDMAIL_OS;
}

static int
deliver(struct sendmail *s, char const *const *recipients)
{
	caller(s);
	set_from(s);
	for (; *recipients; recipients++)
		sendmail_add_list(s, *recipients, strlen(*recipients));
	if (!s->rcpts && !s->from_header && s->flush)
		return run_mailq("-f");
	/* Before it waits for a message that it could not send. */
	if (!s->rcpts && !s->from_header)
		sendmail_die(SENDMAIL_USAGE, "no recipient", "");
	if (s->mode == MODE_SEND || s->from_header) {
		sendmail_read(s);
		sendmail_header(s);
	}
	if (!s->rcpts)
		sendmail_die(SENDMAIL_USAGE, "no recipient in the header", "");
	return sendmail_submit(s);
}

/* The name it was run under. */
static void
mode_by_name(struct sendmail *s, char const *argv0)
{
	char const *slash = strrchr(argv0, '/');
	char const *name = slash ? slash + 1 : argv0;
	if (!strcmp(name, "newaliases"))
		s->mode = MODE_NOTHING;
	else if (!strcmp(name, "mailq"))
		s->mode = MODE_QUEUE;
}

int
main(int argc, char **argv)
{
	static struct sendmail s = {.fd_rest = -1};
	static char const **recipients; /* to the end */
	recipients = xmalloc(((size_t)argc + 1) * sizeof *recipients);
	PROG = "sendmail";
	secret_no_core();
	sig_ignore(SIGPIPE);
	mode_by_name(&s, argv[0] ? argv[0] : "");
	read_arguments(&s, (char const *const *)argv, recipients);
	switch (s.mode) {
	case MODE_NOTHING:
		return SENDMAIL_OK;
	case MODE_QUEUE:
		return run_mailq(0);
	case MODE_SMTP:
		return sendmail_relay();
	case MODE_SEND:
	case MODE_VERIFY:
		break;
	}
	return deliver(&s, recipients);
}

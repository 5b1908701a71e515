/* pop3: a POP3 session after login (RFC 1939, TRANSACTION and UPDATE states) over one Maildir.
 *
 * Descriptors: 0 and 1 the connection, 2 log; POSTERN_SESSION_FD to the login program
 * (doc/joints.md). Without that it greets as logged in already, so it also runs by hand or from
 * ssh. Environment: MAILDIR (default $HOME/Maildir), USER for the log, POSTERN_DIR, POSTERN_ID,
 * QUOTA_RULE and QUOTA_RULE2 ....
 * Settings: pop3-timeout.
 * Exit: 0; 100 usage, bad setting; 111 the Maildir cannot be opened, or system.
 * Touches: the Maildir only, by uid and Landlock. Privileges: the account's; refuses to be root in
 * another user's Maildir or home. */
#include <errno.h>
#include <string.h>

#include <skalibs/sig.h>
#include <skalibs/strerr.h>

#include "lib/conf.h"
#include "lib/id.h"
#include "lib/idle.h"
#include "lib/log.h"
#include "lib/memory.h"
#include "lib/sa.h"
#include "lib/sandbox.h"
#include "lib/session.h"
#include "lib/sigbus.h"
#include "maildir/deliver.h"
#include "maildir/own.h"
#include "maildir/tree.h"
#include "pop3/replies.h"
#include "pop3/session.h"

/* One Maildir and nothing else; a thread reads a folder ahead (maildir/listing.c). */
static struct sandbox const sandbox_policy = {.calls = SANDBOX_FILES | SANDBOX_THREADS,
    .file_size = SANDBOX_UNLIMITED,
    .processes = SANDBOX_ANY};

static struct pop3 session;

static void
nomem(void)
{
	static char const text[] = ERR_NOMEM;
	net_last(&session.net, text, sizeof text - 1);
}

/* The index of the mailbox is mapped. */
static void
bad_file(void)
{
	static char const text[] = ERR_FILE;
	net_last(&session.net, text, sizeof text - 1);
}

static void
confine(char const *root)
{
	struct sandbox_path const paths[] = {{root, SANDBOX_READ | SANDBOX_EDIT}, {0, 0}};
	struct sandbox box = sandbox_policy;
	box.paths = paths;
	sandbox_enter(&box);
}

static void
open_mailbox(struct pop3 *s)
{
	char const *root = own_maildir(), *rule;
	if (!root)
		strerr_dief1x(100, "neither MAILDIR nor HOME is set");
	struct maildir_tree tree = TREE_DEFAULT(root);
	s->quota = (struct quota)QUOTA_DEFAULT(root);
	if (quota_rules_environment(&s->quota, &rule) < 0)
		strerr_dief2x(100, "bad QUOTA_RULE: ", rule);
	if (!own_allowed(root))
		strerr_dief2x(100, "must not run as root in another user's Maildir: ", root);
	if (tree_create_inbox(&tree) < 0)
		strerr_diefu2sys(111, "open Maildir ", root);
	confine(root);
	delivery_clean(root);
	if (folder_open(
		&s->folder, &tree, "INBOX", 0, quota_counts(&s->quota, root) ? &s->quota : 0) < 0)
		strerr_diefu2sys(111, "open Maildir ", root);
	s->count = folder_count(s->folder);
	s->marks = xmalloc(s->count + 1);
	memset(s->marks, 0, s->count + 1);
}

static int
one_line(struct pop3 *s, size_t len)
{
	struct command const *row;
	char *arg;
	size_t arg_len;
	enum command_verdict v =
	    command_check(pop3_commands, POP3_TRANSACTION, s->line, len, &row, &arg, &arg_len);
	switch (v) {
	case COMMAND_OK:
		return row->fn(s, arg, arg_len);
	case COMMAND_UNKNOWN:
		pop3_error(s, ERR_UNKNOWN);
		break;
	case COMMAND_BADSTATE:
		pop3_error(s, ERR_STATE);
		break;
	case COMMAND_NUL:
		pop3_error(s, ERR_NUL);
		break;
	case COMMAND_NOARG:
	case COMMAND_NEEDSARG:
		pop3_error(s, v == COMMAND_NOARG ? ERR_NOARG : ERR_NEEDSARG);
		net_putf(&s->net, "%s\r\n", row->syntax);
		break;
	}
	return 0;
}

static int
settle(void *arg)
{
	struct pop3 *s = arg;
	return folder_settle(s->folder);
}

static void
rest(void *arg)
{
	struct pop3 *s = arg;
	memory_rest(s->text, sizeof s->text);
}

/* Until the client's next command begins to come; 0 if it does not. */
static int
await(struct pop3 *s)
{
	struct idle const w = {settle, rest, s};
	tain latest;
	tain_now_g();
	tain_addsec_g(&latest, (int)s->idle);
	int const r = idle_wait(&s->net, &w, 0, 0, &latest);
	if (!r)
		log_1("timeout", "during", "idle");
	return r == 1;
}

/* RFC 1939 3: when a client is silent for too long the session ends without a word, and nothing is
 * removed. */
static void
serve(struct pop3 *s)
{
	size_t len;
	while (await(s)) {
		net_deadline(&s->net, s->idle);
		enum net_line r = net_getline(&s->net, s->line, sizeof s->line, &len);
		if (r == NET_ERROR && errno == ETIMEDOUT)
			log_1("timeout", "during", "command");
		if (r == NET_EOF || r == NET_ERROR)
			return;
		/* The silence before the command is not taken off the time for the reply. */
		net_deadline(&s->net, s->idle);
		net_whole(&s->net);
		if (r == NET_LONG)
			pop3_error(s, ERR_LONG);
		else if (one_line(s, len))
			return;
		if (s->errors >= POP3_ERRORS_MAX) {
			net_puts(&s->net, ERR_ERRORS);
			return;
		}
	}
}

int
main(int argc, char **argv)
{
	struct pop3 *s = &session;
	struct session_start start;
	(void)argv;
	PROG = "pop3";
	if (argc != 1)
		strerr_dieusage(100, "pop3");
	sig_ignore(SIGPIPE);
	sigbus_catch(0);
	log_id(id_connection());
	s->idle = (unsigned int)conf_uint("pop3-timeout", POP3_IDLE_SECONDS, 1, 86400);
	open_mailbox(s);
	net_init(&s->net, 0, 1);
	s->net.stall = s->idle;
	sa_nomem_hook = nomem;
	if (session_begin(&start, &s->net) < 0)
		return 111;
	sigbus_catch(bad_file);
	s->mechanisms = start.logged_in ? getenv("POSTERN_SASL") : 0;
	if (start.logged_in && !s->mechanisms)
		s->mechanisms = "PLAIN LOGIN";
	net_puts(&s->net, s->mechanisms ? OK_LOGIN : OK_PREAUTH);
	serve(s);
	if (s->net.werr == ETIMEDOUT)
		log_1("timeout", "during", "reply");
	/* The last words first: closing a folder may take a moment. */
	net_deadline(&s->net, POP3_FINISH_SECONDS);
	net_flush(&s->net);
	folder_close(s->folder);
	net_finish(&s->net, POP3_FINISH_SECONDS);
	return 0;
}

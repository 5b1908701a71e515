/* imap: an IMAP4rev1 session (RFC 3501) in one user's Maildir, after login.
 *
 * Descriptors: 0 and 1 the client (plaintext; TLS ends elsewhere), 2 the log. POSTERN_SESSION_FD
 *     names the socket to the login program (lib/session.h); without it the client is greeted
 *     PREAUTH, so imap also runs by hand or from ssh.
 * Arguments: none.
 * Environment: MAILDIR (default $HOME/Maildir), USER (for the log and ACLs), POSTERN_DIR
 * (settings), POSTERN_ID, QUOTA_RULE and QUOTA_RULE2 ..., SHARED, SHARING (lib/sharing.h). Settings
 * in etc/: imap-separator, imap-prefix, imap-append-limit, imap-timeout, imap-read-timeout,
 * imap-capabilities, imap-search-memory, imap-message-limit, imap-save-limit, imap-progress,
 * imap-comment, imap-admin, quota-warnings, quota-warning. Exit: 0 the session ended by LOGOUT or
 * by the client, 100 a bad setting or use, 111 the Maildir cannot be served, or no memory. Touches:
 * the Maildir, and the folders of others that are shared with it (Landlock); reads charset modules
 * and the time zone. Privileges: the account's uid; as root it serves root's own Maildir only. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <skalibs/selfpipe.h>
#include <skalibs/sgetopt.h>
#include <skalibs/sig.h>
#include <skalibs/strerr.h>

#include "imap/commands.h"
#include "imap/limits.h"
#include "imap/notify.h"
#include "imap/reply.h"
#include "lib/conf.h"
#include "lib/id.h"
#include "lib/log.h"
#include "lib/memory.h"
#include "lib/sa.h"
#include "lib/sandbox.h"
#include "lib/session.h"
#include "lib/sigbus.h"
#include "maildir/deliver.h"
#include "maildir/own.h"

#define USAGE "imap"

/* One Maildir, the folders that others share with it, and nothing else; libc reads the time zone and
 * charset modules when first needed. Threads read ahead (maildir/listing.c, lib/read-ahead.c). */
static struct sandbox_path const libc_paths[] = {
    {"/etc/localtime", SANDBOX_READ},
    {"/usr/share/zoneinfo", SANDBOX_READ},
    {"/etc/ld.so.cache", SANDBOX_READ},
    {"/usr/lib", SANDBOX_READ},
    {"/lib", SANDBOX_READ},
    {"/lib64", SANDBOX_READ},
    {"/dev/null", SANDBOX_READ},
    {0, 0},
};
static struct sandbox const sandbox_policy = {
    .calls = SANDBOX_FILES | SANDBOX_THREADS | SANDBOX_CODE,
    .file_size = SANDBOX_UNLIMITED,
    .processes = SANDBOX_ANY};

static struct session session;

void
session_bye(struct session *s, char const *text)
{
	net_putf(&s->net, "* BYE %s\r\n", text);
	s->ended = 1;
}

void
session_late(struct session *s, char const *during, char const *text)
{
	log_1("timeout", "during", during);
	session_bye(s, text);
}

/* Out of memory: nothing can be allocated any more. */
static void
bye_memory(void)
{
	static char const bye[] = "* BYE " REPLY_BYE_MEMORY "\r\n";
	net_last(&session.net, bye, sizeof bye - 1);
}

/* A mapped message or index was cut short by another program (doc/store.md). */
static void
bye_file(void)
{
	static char const bye[] = "* BYE " REPLY_BYE_FILE "\r\n";
	net_last(&session.net, bye, sizeof bye - 1);
}

static void
options(int argc, char const *const *argv)
{
	subgetopt l = SUBGETOPT_ZERO;
	if (subgetopt_r(argc, argv, "", &l) >= 0 || l.ind != argc)
		strerr_dieusage(100, USAGE);
}

/* imap-separator: "." or "/". imap-prefix: "" or "INBOX" and the separator. */
static void
settings(struct session *s)
{
	char const *separator = conf_string("imap-separator", ".");
	char const *prefix = conf_string("imap-prefix", "");
	if ((separator[0] != '.' && separator[0] != '/') || separator[1])
		strerr_dief1x(100, "etc/imap-separator: must be . or /");
	s->tree.separator = separator[0];
	if (*prefix && (strncmp(prefix, "INBOX", 5) || prefix[5] != separator[0] || prefix[6]))
		strerr_dief1x(100, "etc/imap-prefix: must be INBOX and the separator");
	s->tree.prefix = prefix;
	s->append_limit = conf_size("imap-append-limit", LIMIT_APPEND, 1, UINT32_MAX);
	s->timeout = (unsigned int)conf_uint("imap-timeout", AUTOLOGOUT, 1, 86400);
	s->write_seconds = s->timeout < WRITE_SECONDS ? s->timeout : WRITE_SECONDS;
	s->parse.seconds = (unsigned int)conf_uint("imap-read-timeout", LITERAL_SECONDS, 1, 86400);
	s->search_memory =
	    conf_size("imap-search-memory", LIMIT_SEARCH_MEMORY, 1, (uint64_t)1 << 40);
	s->progress_seconds = (unsigned int)conf_uint("imap-progress", PROGRESS_SECONDS, 0, 86400);
	s->message_limit = (uint32_t)conf_uint("imap-message-limit", 0, 0, UINT32_MAX);
	s->save_limit = (uint32_t)conf_uint("imap-save-limit", 0, 0, UINT32_MAX);
	capability_settings(getenv("USER"));
	capability_value("APPENDLIMIT", s->append_limit);
	capability_value("MESSAGELIMIT", s->message_limit);
	/* RFC 9738 section 3: the one or the other */
	capability_value("SAVELIMIT", s->message_limit ? 0 : s->save_limit);
	if (s->message_limit)
		s->save_limit = s->message_limit;
	s->parse.literal_max = capability_shown("LITERAL+") ? 0 : LIMIT_LITERAL_MINUS;
	s->comment = conf_string("imap-comment", 0);
	s->admin = conf_string("imap-admin", 0);
	shared_begin(&s->shared, &s->tree, getenv("USER"));
	char const *rule;
	quota_settings(&s->quota);
	if (quota_rules_environment(&s->quota, &rule) < 0)
		strerr_dief2x(100, "invalid QUOTA_RULE: ", rule);
}

static void
open_store(struct session *s)
{
	char const *root = own_maildir();
	if (!root)
		strerr_dief1x(100, "neither MAILDIR nor HOME is set");
	s->tree = (struct maildir_tree)TREE_DEFAULT(root);
	s->quota = (struct quota)QUOTA_DEFAULT(root);
	s->tree.quota = &s->quota;
	settings(s);
	if (!own_allowed(root))
		strerr_dief2x(100, "must not run as root in another user's Maildir: ", root);
	if (tree_create_inbox(&s->tree) < 0)
		strerr_diefu2sys(111, "open Maildir ", root);
	delivery_clean(root);
}

static void
signals(struct session *s)
{
	sig_ignore(SIGPIPE);
	s->fd_signal = selfpipe_init();
	if (s->fd_signal < 0 || selfpipe_trap(SIGTERM) < 0 || selfpipe_trap(SIGHUP) < 0)
		strerr_diefu1sys(111, "trap signals");
}

static void
confine(struct session const *s)
{
	size_t const fixed = sizeof libc_paths / sizeof *libc_paths;
	size_t n = shared_folders(&s->shared) + 1;
	struct sandbox_path *paths = xmalloc((n + fixed) * sizeof *paths);
	n = 0;
	paths[n++] = (struct sandbox_path){s->tree.root, SANDBOX_READ | SANDBOX_EDIT};
	for (size_t i = 0; i < s->shared.count; i++)
		for (size_t k = 0; k < s->shared.owner[i].count; k++)
			paths[n++] = (struct sandbox_path){
			    s->shared.owner[i].folder[k].dir, SANDBOX_READ | SANDBOX_EDIT};
	memcpy(paths + n, libc_paths, sizeof libc_paths);
	struct sandbox box = sandbox_policy;
	box.paths = paths;
	tzset();
	sandbox_enter(&box);
	free(paths);
}

/* The login command's answer, or the greeting of a session that needs none. */
static void
greet(struct session *s, struct session_start const *start)
{
	char const *caps = capability_text(&s->arena);
	if (start->logged_in)
		net_putf(&s->net, REPLY_LOGGED_IN, start->tag, caps);
	else
		net_putf(&s->net, REPLY_GREETING, caps);
	log_event("session");
	log_str("user", getenv("USER") ? getenv("USER") : "");
	log_send();
}

int
main(int argc, char const *const *argv)
{
	struct session *s = &session;
	struct session_start start;
	PROG = "imap";
	options(argc, argv);
	log_id(id_connection());
	sa_nomem_hook = bye_memory;
	signals(s);
	open_store(s);
	net_init(&s->net, 0, 1);
	s->net.stall = s->write_seconds;
	s->parse.net = &s->net;
	s->parse.arena = &s->arena;
	s->parse.line = memory_pages(LIMIT_LINE);
	if (session_begin(&start, &s->net) < 0)
		return 111;
	sigbus_catch(bye_file);
	confine(s);
	greet(s, &start);
	commands_run(s);
	if (s->net.werr == ETIMEDOUT)
		log_1("timeout", "during", "reply");
	/* The last words first: closing a folder may take a moment. */
	net_deadline(&s->net, FINISH_SECONDS);
	net_flush(&s->net);
	session_unselect(s);
	session_close_left(s);
	notify_free(s->notify);
	net_finish(&s->net, FINISH_SECONDS);
	log_event("end");
	log_num("commands", s->commands);
	log_send();
	return 0;
}

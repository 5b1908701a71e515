/* managesieve: a ManageSieve session (RFC 5804) over one account's Sieve scripts, after login.
 *
 * Descriptors: 0 and 1 the client (plaintext; TLS ends elsewhere), 2 the log. POSTERN_SESSION_FD
 *     names the socket to the login program (lib/session.h); without it the client is greeted as
 *     logged in already, so managesieve also runs by hand or from ssh.
 * Arguments: none.
 * Environment: HOME, USER (OWNER, referrals, log), POSTERN_DIR, POSTERN_ID, POSTERN_SASL.
 * Settings: managesieve-timeout, managesieve-read-timeout, managesieve-max-scripts,
 * managesieve-max-storage, the table managesieve-referrals, and those of sieve_limits_settings.
 * Exit: 0 the session ended; 100 usage, bad setting; 111 the scripts cannot be reached, or system.
 * Touches: HOME/sieve, and by a second process the link HOME/.dovecot.sieve (managesieve/active.h).
 * Privileges: the account's; refuses to be root in another user's home. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <skalibs/selfpipe.h>
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
#include "lib/table.h"
#include "managesieve/session.h"

/* The folder of the scripts and nothing else (active.c does what takes more). */
static struct sandbox const sandbox_policy = {
    .calls = SANDBOX_FILES, .file_size = SANDBOX_UNLIMITED, .processes = SANDBOX_ANY};

static struct manage_session session;

static void
nomem(void)
{
	static char const text[] = BYE_NOMEM;
	net_last(&session.net, text, sizeof text - 1);
}

static void
settings(struct manage_session *s)
{
	stralloc names = STRALLOC_ZERO;
	s->idle = (unsigned int)conf_uint("managesieve-timeout", MANAGE_IDLE_SECONDS, 1, 86400);
	s->seconds =
	    (unsigned int)conf_uint("managesieve-read-timeout", MANAGE_READ_SECONDS, 1, 86400);
	s->max_scripts =
	    (unsigned int)conf_uint("managesieve-max-scripts", MANAGE_SCRIPTS, 1, MANAGE_LIST_MAX);
	s->max_storage = conf_size("managesieve-max-storage", 0, 0, (uint64_t)1 << 50);
	s->limits = (struct sieve_limits)SIEVE_LIMITS_DEFAULT;
	sieve_limits_settings(&s->limits);
	sieve_capabilities(&names, &s->limits);
	s->capability = (struct manage_capability){.sieve = sa_str(&names),
	    .redirects = s->limits.redirects,
	    .sasl = getenv("POSTERN_SASL"),
	    .owner = getenv("USER")};
}

static void
trap_signals(struct manage_session *s)
{
	sig_ignore(SIGPIPE);
	s->fd_signal = selfpipe_init();
	if (s->fd_signal < 0 || selfpipe_trap(SIGTERM) < 0 || selfpipe_trap(SIGHUP) < 0)
		strerr_diefu1sys(111, "trap signals");
}

static void
confine(char const *home)
{
	stralloc folder = STRALLOC_ZERO;
	sa_catf(&folder, "%s/" ACTIVE_FOLDER, home);
	struct sandbox_path const paths[] = {
	    {sa_str(&folder), SANDBOX_READ | SANDBOX_EDIT}, {0, 0}};
	struct sandbox box = sandbox_policy;
	box.paths = paths;
	sandbox_enter(&box);
	stralloc_free(&folder);
}

static void
open_scripts(struct manage_session *s)
{
	char const *home = getenv("HOME");
	struct stat st;
	if (!home || !*home)
		strerr_dief1x(100, "HOME is not set");
	if (!geteuid() && !stat(home, &st) && st.st_uid)
		strerr_dief2x(100, "must not run as root in another user's home: ", home);
	if (scripts_open(&s->scripts, home) < 0)
		strerr_diefu3sys(111, "open ", home, "/" ACTIVE_FOLDER);
	confine(home);
}

/* RFC 5804 1.3, REFERRAL: the other server that has this user's scripts; null: none. */
static char const *
referral(char const *user)
{
	static stralloc value = STRALLOC_ZERO;
	char const *at = user ? strrchr(user, '@') : 0;
	int r = user ? table_find("managesieve-referrals", user, strlen(user), &value) : 0;
	if (!r && at)
		r = table_find("managesieve-referrals", at, strlen(at), &value);
	if (r < 0)
		strerr_diefu1sys(111, "read etc/managesieve-referrals");
	return r && value.len ? sa_str(&value) : 0;
}

static enum net_line
read_line(void *arg, char *line, size_t max, size_t *len)
{
	struct manage_session *s = arg;
	enum net_line r = net_getline(&s->net, line, max, len);
	if (r == NET_ERROR && errno == ETIMEDOUT)
		manage_late(&s->reader);
	return r == NET_ERROR ? NET_EOF : r;
}

static void
start_reader(struct manage_session *s)
{
	size_t size = s->limits.script + 3 * MANAGE_LINE_MAX;
	s->reader = (struct manage_reader){.net = &s->net,
	    .line = read_line,
	    .arg = s,
	    .room = memory_pages(size),
	    .size = size,
	    .line_max = MANAGE_LINE_MAX,
	    .drop_max = MANAGE_DROP_MAX,
	    .no_room = NO_SIZE,
	    .late = BYE_IDLE,
	    .during = "command"};
}

static int
settle(void *arg)
{
	(void)arg;
	return -1;
}

static void
rest(void *arg)
{
	struct manage_session *s = arg;
	memory_rest(s->reader.room, s->reader.size);
	arena_free(&s->arena);
}

/* Until the client's next command begins to come; 0 if it does not: last words are said. */
static int
await(struct manage_session *s)
{
	struct idle const w = {settle, rest, s};
	tain latest;
	tain_now_g();
	tain_addsec_g(&latest, (int)s->idle);
	switch (idle_wait(&s->net, &w, &s->fd_signal, 1, &latest)) {
	case 0:
		log_1("timeout", "during", "idle");
		net_puts(&s->net, BYE_IDLE);
		return 0;
	case 1:
		return 1;
	case 2:
		net_puts(&s->net, BYE_SHUTDOWN);
		return 0;
	default:
		return 0;
	}
}

static void
serve(struct manage_session *s)
{
	struct manage_line c;
	char const *why;
	while (await(s)) {
		net_deadline(&s->net, s->seconds);
		net_whole(&s->net);
		enum manage_read r = manage_read(&s->reader, MANAGE_VERB, &c, &why);
		/* What the command took to come is not taken off the time for the reply. */
		net_deadline(&s->net, s->seconds);
		if (r == MANAGE_END || (r == MANAGE_COMMAND && manage_command(s, &c)))
			return;
		if (r == MANAGE_ERROR)
			manage_error(s, why);
		arena_reset(&s->arena);
		if (s->errors >= MANAGE_ERRORS_MAX) {
			net_puts(&s->net, BYE_ERRORS);
			return;
		}
	}
}

/* The login command's answer (RFC 5804 2.1; the tag is what its code SASL says), or the greeting of
 * a session that needs none. */
static void
greet(struct manage_session *s, struct session_start const *start)
{
	if (!start->logged_in) {
		manage_put_capabilities(&s->net, &s->capability);
		net_puts(&s->net, OK_PREAUTH);
	} else if (strcmp(start->tag, "-") != 0)
		net_putf(&s->net, "OK (SASL \"%s\") \"Logged in\"\r\n", start->tag);
	else
		net_puts(&s->net, OK_LOGIN);
	log_1("session", "user", s->capability.owner ? s->capability.owner : "");
}

int
main(int argc, char **argv)
{
	struct manage_session *s = &session;
	struct session_start start;
	(void)argv;
	PROG = "managesieve";
	if (argc != 1)
		strerr_dieusage(100, "managesieve");
	log_id(id_connection());
	trap_signals(s);
	settings(s);
	char const *elsewhere = referral(s->capability.owner);
	if (!elsewhere)
		open_scripts(s);
	net_init(&s->net, 0, 1);
	sa_nomem_hook = nomem;
	start_reader(s);
	if (session_begin(&start, &s->net) < 0)
		return 111;
	if (elsewhere)
		net_putf(&s->net, BYE_REFERRAL, elsewhere);
	else {
		greet(s, &start);
		serve(s);
		if (s->net.werr == ETIMEDOUT)
			log_1("timeout", "during", "reply");
	}
	net_finish(&s->net, MANAGE_FINISH_SECONDS);
	log_event("end");
	log_send();
	return 0;
}

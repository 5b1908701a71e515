/* smtp-recv [-s] [-l CONNECTIONS [-c CONNECTIONS] [-d FD]] [CHECKPASSWORD [ARGS...] true]: one SMTP
 * session, from a server or, with -s, from a mail client (submission, RFC 6409). With -l one for
 * each connection to the listening socket 0, so many at a time (-c: from one address), in a process
 * of its own; FD gets a line when it is ready. Local recipients are checked and delivered by an
 * LMTP server while the sender waits; all that remain go to the spool. 250 means on disk.
 *
 * Descriptors: 0 and 1 the connection (or pipes to a TLS engine), 2 the log.
 * CHECKPASSWORD ARGS... true: checks credentials; its exit code counts. None: AUTH is not offered.
 * Environment: POSTERN_DIR, POSTERN_ID, what lib/ucspi.h and lib/ucspitls.h read, RELAYCLIENT, and
 * UID, GID, GIDLIST when started as root; sets POSTERN_ID.
 * Exit: 0 the session is over, 100 bad usage or setting, 111 system.
 * Touches: tables in etc/ (read), run/tmp (files without a name), run/lmtp/sock, run/spool/sock,
 * the LMTP servers of etc/domains, the filters of etc/milters, and state/ where greylisting or
 * etc/smtp-rates is on. Privileges: none. Never parses as root: started as root it
 * becomes UID:GID; where AUTH is possible the parent of the pair (lib/login.h) stays what it was
 * and runs CHECKPASSWORD. */
#include <skalibs/selfpipe.h>
#include <skalibs/sgetopt.h>
#include <skalibs/sig.h>
#include <skalibs/strerr.h>

#include "lib/conf.h"
#include "lib/date.h"
#include "lib/id.h"
#include "lib/local-user.h"
#include "lib/lookup.h"
#include "lib/option.h"
#include "lib/sandbox.h"
#include "lib/secret.h"
#include "lib/ucspitls.h"
#include "smtp-recv/listen.h"
#include "smtp-recv/session.h"

/* The tables that it looks recipients and senders up in, its temporary files (and `state/`),
 * sockets to mda-local, the spool, filters and resolvers: confinement() fills the paths. Where all
 * runs under one uid, only this keeps it from keys, passwords and mail: so the tables by name, not
 * etc/. A table that is replaced later is out of reach; the session then ends with 421. */
static char const *const tables[] = {
    "domains", "relay-domains", "relay-recipients", "senders", "aliases"};
enum { TABLES = sizeof tables / sizeof *tables };
static char const *const files[] = {"etc/domains", "etc/domains.cdb", "etc/relay-domains",
    "etc/relay-domains.cdb", "etc/relay-recipients", "etc/relay-recipients.cdb", "etc/senders",
    "etc/senders.cdb", "etc/aliases", "etc/aliases.cdb", "etc/lookup", "etc/lookup-seconds"};
enum { FILES = sizeof files / sizeof *files };
static struct sandbox_path paths[FILES + TABLES * LOOKUP_SOURCES_MAX + 3];
static struct sandbox const sandbox_policy = {.calls = SANDBOX_FILES | SANDBOX_SOCKETS,
    .paths = paths,
    .memory = ADDRESS_SPACE,
    .files = FILES_MAX,
    .file_size = SANDBOX_UNLIMITED,
    .processes = SANDBOX_ANY};

#define NOTIFY_MAX 1023 /* a descriptor */

#define USAGE                                                                                      \
	"smtp-recv [-s] [-l connections [-c connections] [-d fd]] [checkpassword [args...] true]"

struct invocation {
	int submission;
	struct listen_options listen; /* max 0: one connection, on 0 and 1 */
};

static int
options(struct invocation *v, int argc, char *const *argv)
{
	subgetopt o = SUBGETOPT_ZERO;
	int opt;
	*v = (struct invocation){.listen = {.fd_ready = -1, .argv = argv}};
	while ((opt = subgetopt_r(argc, (char const *const *)argv, "sl:c:d:", &o)) != -1)
		switch (opt) {
		case 's':
			v->submission = 1;
			break;
		case 'l':
			v->listen.max = option_number(o.arg, 1, LISTEN_MAX, USAGE);
			break;
		case 'c':
			v->listen.per_address = option_number(o.arg, 1, INT32_MAX, USAGE);
			break;
		case 'd':
			v->listen.fd_ready = (int)option_number(o.arg, 3, NOTIFY_MAX, USAGE);
			break;
		default:
			strerr_dieusage(100, USAGE);
		}
	if (!v->listen.max && (v->listen.per_address || v->listen.fd_ready >= 0))
		strerr_dieusage(100, USAGE);
	if (!v->listen.per_address)
		v->listen.per_address = LISTEN_PER_ADDRESS;
	return o.ind;
}

/* A submission socket's peer is who the kernel says, so it needs no password. */
static void
know_local_peer(struct session *s)
{
	if (!s->set.submission || s->peer.kind != UCSPI_UNIX)
		return;
	local_user(s->peer.euid, s->local_user, sizeof s->local_user);
	s->any_sender = !s->peer.euid || s->peer.euid == geteuid();
}

/* Of the tables: files that etc/lookup names. */
static size_t
other_files(struct sandbox_path *path)
{
	struct lookup_source *s;
	size_t count = 0, n;
	for (size_t i = 0; i < TABLES; i++)
		if (lookup_sources(tables[i], &s, &n) == 1)
			for (; n; s++, n--)
				if (s->kind == LOOKUP_CDB)
					path[count++] =
					    (struct sandbox_path){s->path, SANDBOX_READ};
	return count;
}

static struct sandbox const *
confinement(struct settings const *set)
{
	size_t n = other_files(paths);
	for (size_t i = 0; i < FILES; i++)
		paths[n++] = (struct sandbox_path){conf_path(files[i]), SANDBOX_READ};
	paths[n++] = (struct sandbox_path){set->directory, SANDBOX_READ | SANDBOX_EDIT};
	if (set->state)
		paths[n] = (struct sandbox_path){set->state, SANDBOX_READ | SANDBOX_EDIT};
	return &sandbox_policy;
}

/* What holds for every connection, by the settings. */
static void
prepare(struct session *s, int submission, int local)
{
	settings_read(&s->set, submission, local);
	date_local_zone(0); /* reads /etc/localtime, which the sandbox hides */
	if (sig_ignore(SIGPIPE) < 0)
		strerr_diefu1sys(111, "ignore SIGPIPE");
}

/* Tries in a process of its own whether the settings can be read. */
static int
settings_fit(struct session *s, int submission)
{
	int status;
	pid_t const pid = fork();
	if (!pid) {
		close(2); /* whoever serves will say what is wrong */
		prepare(s, submission, 0);
		_exit(0);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && !status;
}

/* All that a process without AUTH may do from here on. */
static void
give_up(struct sandbox const *box, char const *directory)
{
	sandbox_drop_user();
	sandbox_enter(box);
	/* Opened by whoever will write in it. */
	if (message_directory(directory) < 0)
		strerr_diefu2sys(111, "open ", directory);
}

/* For listen_for: confines the zygote. Nothing is known of a connection here. */
static void
prepare_zygote(void *session)
{
	static struct sandbox box;
	struct session *s = session;
	box = *confinement(&s->set);
	box.calls |= SANDBOX_ZYGOTE;
	give_up(&box, s->set.directory);
	s->confined = 1;
}

/* Returns in a process for each connection. Where a setting is bad that process says so and ends,
 * and not the listener. Without a launcher the key holder is asked for TLS at STARTTLS; where a
 * pair is to follow at once, as the parent alone has the right to. */
static void
wait_for_connection(struct session *s, struct invocation const *v, int pair)
{
	listen_prepare(&v->listen);
	int const fit = settings_fit(s, v->submission);
	if (fit)
		prepare(s, v->submission, 0);
	/* The pair's parent keeps its rights. */
	listen_for(&v->listen, fit && !pair ? prepare_zygote : 0, s);
	if (!fit)
		prepare(s, v->submission, 0);
	char const *holder = getenv("TLS_ENGINE");
	ucspi_init(&s->peer);
	ucspitls_init_holder(holder, id_connection(), s->peer.remote_ip);
	if (pair && ucspitls_hand_over(0) < 0)
		strerr_diefu1sys(111, "hand the connection to the key holder");
}

static void
one_connection(struct session *s, struct invocation const *v)
{
	int keep[3];
	ucspitls_init();
	sandbox_close_but(keep, ucspitls_fds(keep));
	ucspi_init(&s->peer);
	prepare(s, v->submission, s->peer.kind == UCSPI_UNIX);
}

/* What is told by TERM and HUP in the zygote would be told to all. */
static void
trap_signals(struct session *s)
{
	s->fd_end = selfpipe_init();
	if (s->fd_end < 0 || !selfpipe_trap(SIGTERM) || !selfpipe_trap(SIGHUP))
		strerr_diefu1sys(111, "trap signals");
}

/* With a checkpassword program the pair. */
static void
start_pair(struct session *s, char *const *argv)
{
	static struct login login;
	struct login_policy policy = {.kind = LOGIN_VERDICT,
	    .argv = argv,
	    .sandbox = confinement(&s->set),
	    .service = "smtp",
	    .proxy = s->proxy,
	    .user_connections = s->set.user_connections};
	s->cleartext = login_cleartext(&s->peer);
	s->fd_end = -1;
	login_start(&login, &policy);
	s->login = &login;
	if (message_directory(s->set.directory) < 0)
		strerr_diefu2sys(111, "open ", s->set.directory);
}

int
main(int argc, char **argv)
{
	static struct session s;
	struct invocation v;
	PROG = "smtp-recv";
	secret_no_core();
	int first = options(&v, argc, argv);
	if (v.listen.max)
		wait_for_connection(&s, &v, argv[first] != 0);
	else
		one_connection(&s, &v);
	s.proxy = login_among(&s.set.proxies, &s.peer);
	s.trusted_network = login_among(&s.set.trusted, &s.peer);
	know_local_peer(&s);
	if (argv[first])
		start_pair(&s, argv + first);
	else
		trap_signals(&s);
	if (!argv[first] && !s.confined)
		give_up(confinement(&s.set), s.set.directory);
	session_init(&s);
	session_run(&s);
	/* Without a word to libc, which would look at pages that nobody else has needed. */
	_exit(0);
}

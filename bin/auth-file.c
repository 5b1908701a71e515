/* auth-file PROGRAM [ARGS...]: the checkpassword program for etc/users. Reads login NUL password
 * NUL timestamp NUL from descriptor 3, and if they are right becomes the account and runs PROGRAM.
 * auth-file -h: reads a password from standard input and prints a hash for etc/users; -s: its SCRAM
 * keys, extra fields of the same line.
 *
 * Descriptors: 3 credentials (closed before PROGRAM runs), 2 log; all others are PROGRAM's.
 * Environment: POSTERN_DIR, POSTERN_ID, TCPREMOTEIP (for allow_nets). AUTHORIZED=1 (Dovecot's
 * extension; from a login parent, which sets POSTERN_MECHANISM): the account is opened without a
 * look at the password. For PROGRAM: USER, HOME, SHELL, MAILDIR, QUOTA_RULE, QUOTA_RULE2 ... (of
 * the account and etc/quota-rule, else unset), AUTHORIZED=2 if it was 1; SHARED and SHARING
 * (lib/sharing.h) where etc/sharing exists.
 * Settings: plain-passwords ({PLAIN} is allowed), account-uid-min, auth-cache-seconds (how long a
 * right password is remembered, 300; 0: not at all), password-checker (a checkpassword program for
 * accounts with "x" in the password's place), scram-iterations (-s), sharing, quota-rule,
 * system-domains.
 * Exit: 1 refused, 2 misused, 3 no such account (AUTHORIZED only), 111 temporary; else PROGRAM's.
 * Privileges: reads users (lib/lookup.h), and postern-shared of those in etc/sharing; reads and
 * writes run/auth. As root it becomes the account's gid and uid, with the gids of those who share
 * with it, and no other account's uid than its own works without root. */
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>

#include <skalibs/allreadwrite.h>
#include <skalibs/sgetopt.h>
#include <skalibs/strerr.h>

#include "bin/auth-cache.h"
#include "bin/auth-checker.h"
#include "bin/auth-hash.h"
#include "lib/account-rules.h"
#include "lib/account.h"
#include "lib/ascii.h"
#include "lib/conf.h"
#include "lib/id.h"
#include "lib/log.h"
#include "lib/lookup.h"
#include "lib/sa.h"
#include "lib/scram.h"
#include "lib/secret.h"
#include "lib/sharing.h"
#include "lib/skalibs-compat.h"

#define USAGE "auth-file PROGRAM [ARGS...] | auth-file -h | auth-file -s"
/* The checkpassword interface. */
#define CREDENTIALS_MAX 512
#define FD_CREDENTIALS 3
#define CACHE_SECONDS 300

enum { EXIT_REFUSED = 1, EXIT_MISUSED = 2, EXIT_NO_ACCOUNT = 3 };

static char credentials[CREDENTIALS_MAX + 1];

/* Reads all of a descriptor, at most max bytes: how many, or max + 1 if there were more. */
static size_t
read_all(int fd, char *buf, size_t max)
{
	size_t len = 0;
	while (len <= max) {
		ssize_t r = read(fd, buf + len, max + 1 - len);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			strerr_diefu1sys(EXIT_MISUSED, "read the password");
		if (!r)
			break;
		len += (size_t)r;
	}
	return len;
}

/* Login and password of descriptor 3. */
static void
read_credentials(char **login, char **password)
{
	size_t len = read_all(FD_CREDENTIALS, credentials, CREDENTIALS_MAX);
	close(FD_CREDENTIALS);
	if (len > CREDENTIALS_MAX)
		strerr_dief1x(EXIT_MISUSED, "more than 512 bytes of credentials");
	credentials[len] = 0;
	size_t n = strlen(credentials) + 1;
	size_t m = n < len ? strlen(credentials + n) + 1 : 0;
	if (!m || n + m > len)
		strerr_dief1x(EXIT_MISUSED, "descriptor 3 does not give a login and a password");
	*login = credentials;
	*password = credentials + n;
}

static void refuse(char const *user, char const *why) __attribute__((noreturn));
static void
refuse(char const *user, char const *why)
{
	log_2("refuse", "user", user, "why", why);
	_exit(EXIT_REFUSED);
}

/* A login parent's word counts for a password. */
static int
is_authorized(void)
{
	char const *s = getenv("AUTHORIZED");
	return s && !strcmp(s, "1") && getenv("POSTERN_MECHANISM");
}

/* The password is another program's to know. */
static void
ask_checker(struct account const *a, char const *password)
{
	int const r = auth_checker(a->name, password);
	if (r < 0)
		_exit(111);
	if (!r) {
		auth_hash_waste(password);
		refuse(a->name, "password");
	}
}

static void
check_password(struct account const *a, char const *password)
{
	if (auth_checker_wanted(a->password)) {
		ask_checker(a, password);
		return;
	}
	unsigned int seconds =
	    (unsigned int)conf_uint("auth-cache-seconds", CACHE_SECONDS, 0, 86400);
	int slow = auth_hash_is_slow(a->password);
	if (slow && auth_cache_has(a->name, password, a->password, seconds)) {
		auth_cache_close();
		return;
	}
	switch (auth_hash_verify(a->password, password, conf_flag("plain-passwords", 0))) {
	case 1:
		break;
	case 0:
		refuse(a->name, "password");
	default:
		log_2("bad-account", "user", a->name, "why", "password scheme");
		_exit(111);
	}
	if (slow)
		auth_cache_put(a->name, password, a->password);
	auth_cache_close();
}

/* What holds for an account however its owner is known. */
static void
check_account(struct account const *a)
{
	if (a->nologin)
		refuse(a->name, "nologin");
	if (!account_allows(a, getenv("TCPREMOTEIP")))
		refuse(a->name, "allow_nets");
}

/* The account, its password being right. */
static void
open_account(struct arena *arena, struct account *a)
{
	char *login, *password;
	stralloc key = STRALLOC_ZERO;
	read_credentials(&login, &password);
	int r = account_key(&key, login) < 0 ? 0 : account_login(arena, sa_str(&key), a);
	if (r < 0)
		strerr_diefu1sys(111, "look the account up in etc/users");
	if (is_authorized()) {
		if (!r)
			_exit(EXIT_NO_ACCOUNT);
	} else if (!r) {
		auth_hash_waste(password);
		refuse(key.len ? key.s : login, "unknown");
	} else
		check_password(a, password);
	check_account(a);
	stralloc_free(&key);
	explicit_bzero(credentials, sizeof credentials);
}

static void
become(struct arena *arena, struct account const *a, struct sharing *sharing)
{
	uid_t min = account_uid_min();
	sharing_find(arena, a, geteuid() ? 0 : min, sharing);
	if (!geteuid()) {
		if (a->uid < min || !a->gid) {
			log_2("bad-account", "user", a->name, "why", "uid or gid is too low");
			_exit(111);
		}
		gid_t group[SHARING_OWNERS + 1] = {a->gid};
		memcpy(group + 1, sharing->group, sharing->count * sizeof *group);
		if (setgroups(sharing->count + 1, group) < 0 || setgid(a->gid) < 0 ||
		    setuid(a->uid) < 0)
			strerr_diefu2sys(111, "become ", a->name);
	} else if (a->uid != geteuid())
		strerr_dief3x(
		    111, "without root the uid of ", a->name, " must be empty or our own");
	if (chdir(a->home) < 0)
		strerr_diefu2sys(111, "change to ", a->home);
}

static void
put(char const *name, char const *value)
{
	if ((value ? setenv(name, value, 1) : unsetenv(name)) < 0)
		sa_nomem();
}

/* QUOTA_RULE, QUOTA_RULE2 ..., and none that was there before. */
static void
put_rules(char const *rules)
{
	char name[32];
	for (unsigned int i = 1; i <= ACCOUNT_RULES_MAX; i++) {
		size_t const n = rules ? strcspn(rules, "\n") : 0;
		char *rule = n ? xstrndup(rules, n) : 0;
		snprintf(name, sizeof name, i > 1 ? "QUOTA_RULE%u" : "QUOTA_RULE", i);
		put(name, rule);
		free(rule);
		rules = rules && rules[n] ? rules + n + 1 : 0;
	}
}

static void run(struct account const *a, struct sharing *sharing, char *const *argv)
    __attribute__((noreturn));
static void
run(struct account const *a, struct sharing *sharing, char *const *argv)
{
	put("USER", a->name);
	put("HOME", a->home);
	put("SHELL", a->shell);
	put("MAILDIR", a->maildir);
	put_rules(a->quota_rule);
	put("SHARED", sharing->on ? sa_str(&sharing->list) : 0);
	put("SHARING", sharing->offers ? "1" : 0);
	put("AUTHORIZED", is_authorized() ? "2" : 0);
	execvp(argv[0], argv);
	strerr_diefu2sys(111, "run ", argv[0]);
}

static void
read_password(void)
{
	size_t len = read_all(0, credentials, CREDENTIALS_MAX);
	if (len && len <= CREDENTIALS_MAX && credentials[len - 1] == '\n')
		len--;
	if (!len || len > CREDENTIALS_MAX || memchr(credentials, 0, len) ||
	    memchr(credentials, '\n', len))
		strerr_dief1x(100, "a password is one line of 1 to 512 bytes without NUL");
	credentials[len] = 0;
}

/* For etc/users: a hash, or the SCRAM keys. */
static int
print_secret(int option)
{
	stralloc out = STRALLOC_ZERO;
	read_password();
	int r = option == 'h' ? auth_hash_make(&out, credentials)
			      : auth_hash_scram(&out, credentials,
				    (unsigned int)conf_uint("scram-iterations", SCRAM_ITERATIONS,
					4096, SCRAM_ITERATIONS_MAX));
	if (r < 0)
		strerr_diefu1sys(111, "make a hash");
	explicit_bzero(credentials, sizeof credentials);
	sa_append(&out, '\n');
	return allwrite(1, out.s, out.len) == out.len ? 0 : 111;
}

int
main(int argc, char **argv)
{
	struct arena arena = ARENA_ZERO;
	subgetopt l = SUBGETOPT_ZERO;
	struct account a;
	struct sharing sharing;
	int c, option = 0;
	PROG = "auth-file";
	secret_no_core();
	while ((c = subgetopt_r(argc, (char const *const *)argv, "hs", &l)) != -1) {
		if (c != 'h' && c != 's')
			strerr_dieusage(EXIT_MISUSED, USAGE);
		option = c;
	}
	if (option)
		return print_secret(option);
	argv += l.ind;
	if (!*argv)
		strerr_dieusage(EXIT_MISUSED, USAGE);
	if (getenv("POSTERN_ID"))
		log_id(id_connection());
	open_account(&arena, &a);
	become(&arena, &a, &sharing);
	lookup_close();
	run(&a, &sharing, argv);
}

/* The login pair's parent against a child in a stranger's hands: what it answers, when it has had
 * enough, and that nobody is let in who has not shown who he is. */
// libs: -lidn2 -lunistring
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/login-request.h"
#include "lib/sa.h"
#include "tests/unit/tap.h"

static char dir[] = "/tmp/postern-login.XXXXXX";
static struct net n;

static void
set(char const *name, char const *value)
{
	char path[200];
	snprintf(path, sizeof path, "%s/etc/%s", dir, name);
	FILE *f = fopen(path, "w");
	if (!f || fprintf(f, "%s\n", value) < 0 || fclose(f))
		abort();
}

static int report[2];

/* In the child: asks so many times with wrong credentials, and writes each verdict. */
static void
ask(struct login *l, int times)
{
	struct login_credentials c = {.login = "alice", .password = "x", .mechanism = "PLAIN"};
	net_init(&n, 0, 1);
	while (times--) {
		char verdict = (char)login_check(l, &n, &c);
		if (write(report[1], &verdict, 1) != 1)
			_exit(111);
	}
	_exit(0);
}

/* ---- requests that no honest child makes ---- */

static struct login_answer answer;

static char
request(struct login *l, enum login_ask what, char const *login, char const *data, size_t len)
{
	struct login_request r;
	char const *mechanism = what == LOGIN_ASK_TOKEN ? "XOAUTH2" : "SCRAM-SHA-256";
	login_fill(&r, what,
	    &(struct login_credentials){.login = login, .password = "", .mechanism = mechanism});
	return login_ask(l, &n, &r, data, len, &answer, 10) < 0 ? LOGIN_GONE : (char)answer.verdict;
}

static struct scram_keys alice;

/* Salt and nonce of the last LOGIN_ASK_KEYS, then the proof over a message with a nonce in it, made
 * as only alice can make it. */
static char
prove(struct login *l, char const *nonce)
{
	char data[HASH_MAX + 200] = {0}, *message = data + HASH_MAX;
	unsigned char client[HASH_MAX], salted[HASH_MAX], signature[HASH_MAX];
	size_t len = (size_t)snprintf(message, 200, "n=alice,r=x,r=x%s,...", nonce);
	pbkdf2(HASH_SHA256, "secret", 6, alice.salt, alice.salt_len, alice.iterations, salted);
	hmac_of(HASH_SHA256, salted, HASH_MAX, "Client Key", 10, client);
	hmac_of(HASH_SHA256, alice.stored, HASH_MAX, message, len, signature);
	for (size_t i = 0; i < HASH_MAX; i++)
		data[i] = (char)(client[i] ^ signature[i]);
	return request(l, LOGIN_ASK_PROOF, "", data, HASH_MAX + len);
}

/* clang-format off */
/* K: keys of alice, k: of nobody, p: alice's proof with the right nonce, r: with one of yesterday, o: open
 * alice's account, b: bob's, t: by token, c: by a certificate that only the child knows of, x: something
 * that is no request, d: the peer is another (P first: who runs the pair lets a proxy say so), n: one
 * that is no address. */
static struct {
	char const *name, *asks, *want;
} const tricks[] = {
	{"the honest way", "Kpo", "OOO"},
	{"nothing was proved", "o", "R"},
	{"somebody else was proved", "Kpb", "OOR"},
	{"opened twice", "Kpoo", "OOOR"},
	{"a proof from yesterday", "Kro", "ORR"},
	{"a proof that came twice", "Kpp", "OOT"},
	{"a proof without keys", "p", "T"},
	{"alice's proof for nobody's keys", "kpo", "ORR"},
	{"new keys after the proof", "KpKo", "OOOR"},
	{"no checker for a token", "t", "T"},
	{"a certificate of the child's", "c", "R"},
	{"another peer, where none may be", "d", "T"},
	{"another peer, once", "Pdd", "OT"},
	{"another peer that is none", "Pnd", "TO"},
	{"no request at all: it is ended", "x", ""},
};
/* clang-format on */

static void
stranger(struct login *l, char const *asks)
{
	net_init(&n, 0, 1);
	setenv("SSL_PEER_CERT_HASH", "SHA256:00", 1);
	for (; *asks; asks++) {
		struct sasl_keys k = {.nonce = ""};
		char verdict = LOGIN_GONE;
		switch (*asks) {
		case 'K':
		case 'k':
			verdict =
			    request(l, LOGIN_ASK_KEYS, *asks == 'K' ? "alice" : "nobody", "", 0);
			memcpy(&k, answer.data, sizeof k);
			break;
		case 'p':
			memcpy(&k, answer.data, sizeof k);
			verdict = prove(l, k.nonce);
			break;
		case 'r':
			verdict = prove(l, "yesterday");
			break;
		case 'o':
			verdict = request(l, LOGIN_ASK_PROVED, "alice", "", 0);
			break;
		case 'b':
			verdict = request(l, LOGIN_ASK_PROVED, "bob", "", 0);
			break;
		case 't':
			verdict = request(l, LOGIN_ASK_TOKEN, "alice", "x", 1);
			break;
		case 'c':
			verdict = request(l, LOGIN_ASK_CERTIFICATE, "alice", "", 0);
			break;
		case 'P':
			continue;
		case 'd':
			verdict = request(l, LOGIN_ASK_PEER, "192.0.2.1", "", 0);
			break;
		case 'n':
			verdict = request(l, LOGIN_ASK_PEER, "192.0.2", "", 0);
			break;
		case 'x':
			verdict = request(l, LOGIN_ASKS, "alice", "", 0);
			break;
		}
		if (write(report[1], &verdict, 1) != 1)
			_exit(111);
	}
	_exit(0);
}

/* An instance in which alice has keys, and a table of certificates. */
static void
make_users(void)
{
	stralloc line = STRALLOC_ZERO;
	alice = (struct scram_keys){.iterations = 4096};
	scram_salt(&alice);
	scram_make(&alice, HASH_SHA256, "secret");
	sa_cats(&line, "alice:*::::home:: scram-sha-256=");
	scram_format(&line, &alice);
	sa_cats(&line, "\nbob:*::::home::");
	set("users", sa_str(&line));
	stralloc_free(&line);
	set("certificates", "00: alice");
	set("sasl-scram", "yes");
	set("checkpassword-authorized", "yes");
}

/* ---- running it ---- */

static char const *asks_now; /* null: passwords */

/* The verdicts of a child that asks so often, as letters; its parent's exit code. */
static int
verdicts(char *const *program, int times, char *out, size_t max)
{
	static char const letters[] = {[LOGIN_OK] = 'O',
	    [LOGIN_REFUSED] = 'R',
	    [LOGIN_TEMPFAIL] = 'T',
	    [LOGIN_TOOMANY] = 'M',
	    [LOGIN_GONE] = 'G'};
	int status, pair[2];
	if (pipe(report) < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		abort();
	fflush(stdout);
	pid_t pid = fork();
	if (!pid) {
		struct login l;
		struct login_policy p = {
		    .kind = LOGIN_VERDICT, .argv = program, .keep = {report[1]}, .keep_count = 1};
		p.proxy = asks_now && *asks_now == 'P';
		dup2(pair[0], 0);
		dup2(pair[0], 1);
		login_start(&l, &p);
		if (asks_now)
			stranger(&l, asks_now);
		ask(&l, times);
	}
	close(report[1]);
	ssize_t len = 0, r;
	while ((r = read(report[0], out + len, max - 1 - (size_t)len)) > 0)
		len += r;
	for (ssize_t i = 0; i < len; i++)
		out[i] = letters[(unsigned char)out[i]];
	out[len] = 0;
	close(report[0]);
	waitpid(pid, &status, 0);
	close(pair[0]);
	close(pair[1]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static long
milliseconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* clang-format off */
static struct {
	char const *name, *script;
	int times;
	char const *want;
	int code;
} const cases[] = {
	{"yes, as often as asked", "exit 0", 6, "OOOOOO", 0},
	{"the last refusal says so", "exit 1", 3, "RRM", 0},
	{"the last failure says so", "exit 111", 3, "TTG", 0},
	{"after the last, nothing is checked any more", "exit 1", 5, "RRM", 111},
	{"nor after a check that took too long", "exec sleep 600", 3, "G", 111},
	{"a program that dies", "kill -9 $$", 1, "T", 0},
	{"a program that is not there", 0, 1, "T", 0},
};
/* clang-format on */

int
main(void)
{
	char path[200], got[32];
	if (!mkdtemp(dir))
		return 111;
	chmod(dir, 0755);
	snprintf(path, sizeof path, "%s/etc", dir);
	mkdir(path, 0755);
	set("login-attempts", "3");
	set("login-delay", "0");
	set("login-check-timeout", "1");
	setenv("POSTERN_DIR", dir, 1);
	setenv("UID", "12345", 1);
	setenv("GID", "12345", 1);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *sh[] = {(char *)"sh", (char *)"-c", (char *)cases[i].script, 0};
		char *none[] = {(char *)"/no/such/program", 0};
		int code = verdicts(cases[i].script ? sh : none, cases[i].times, got, sizeof got);
		tap_str(cases[i].name, got, cases[i].want);
		tap_num("exit code", code, cases[i].code);
	}
	make_users();
	snprintf(path, sizeof path, "%s/run", dir);
	mkdir(path, 0755);
	char *yes[] = {(char *)"true", 0};
	set("login-attempts", "10");
	for (size_t i = 0; i < sizeof tricks / sizeof *tricks; i++) {
		asks_now = tricks[i].asks;
		verdicts(yes, 0, got, sizeof got);
		tap_str(tricks[i].name, got, tricks[i].want);
	}
	asks_now = 0;
	/* How long a check takes must not show in how long a refusal takes. */
	set("login-delay", "1500");
	char *slow[] = {(char *)"sh", (char *)"-c", (char *)"sleep 0.8; exit 1", 0};
	long begin = milliseconds();
	verdicts(slow, 1, got, sizeof got);
	long took = milliseconds() - begin;
	if (!tap_ok(took >= 1500 && took < 2100, "a refusal is delayed from the request on"))
		printf("# %ld ms\n", took);
	snprintf(path, sizeof path, "rm -rf %s", dir);
	return system(path) ? 111 : tap_done();
}

/* A whole SMTP session. The first octet says who the client is, eight more what the LMTP servers answer, eight more what a filter does;
 * the rest is what the client sends. What the servers are told is LMTP, and nothing of a message is a command there. */
#include "tests/fuzz/session.h"

#include <errno.h>
#include <fcntl.h>
#include <sanitizer/lsan_interface.h>

#include "lib/target.h"
#include "smtp-recv/session.h"
#include "tests/fuzz/smtp-recv/lmtp-said.h"

#define CHOICES 8
#define HEAD (1 + 2 * CHOICES)
#define SERVERS_MAX 32 /* connections of one input */
#define ANSWERS_MAX 200

enum { SUBMISSION = 1, KNOWN = 2, TRUSTED = 4, PROXY = 8, DATA_ONLY = 16, LAST_WORD = 32 };

static uint8_t const *input_head;
static struct server {
	int fd; /* the other end */
	int is_filter;
} servers[SERVERS_MAX];
static size_t servers_count;

/* ---- what the others say ---- */

static char const *
lmtp_reply(size_t n)
{
	static char const *const replies[] = {"250 2.1.5 ok\r\n", "550 5.1.1 no\r\n", "450 4.2.0 later\r\n", "354 go\r\n", "250 2.7.0 perhaps\r\n",
	    "250-2.1.5 two\r\n250 2.1.5 lines\r\n", "421 4.3.2 away\r\n", "what\r\n"};
	uint8_t const c = input_head[1 + n % CHOICES];
	/* Most is well. */
	return replies[c < 128 ? 0 : c % (sizeof replies / sizeof *replies)];
}

static void
lmtp_says(stralloc *sa)
{
	sa_cats(sa, "220 x\r\n250-x\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n250-XREFUSAL\r\n250-XFORWARD IDENT LOGIN HOLD\r\n");
	sa_cats(sa, *input_head & DATA_ONLY ? "250 X\r\n" : "250-CHUNKING\r\n250 PIPELINING\r\n");
	for (size_t i = 0; i < ANSWERS_MAX; i++)
		sa_cats(sa, lmtp_reply(i));
}

static void
filter_says(stralloc *sa)
{
	static struct {
		char const *data;
		unsigned char len;
	} const answers[] = {{"c", 1}, {"h" "X-A\0b", 7}, {"m\0\0\0\1Subject\0new", 17}, {"i\0\0\0\1" "A\0b", 9}, {"bnew\r\n.\r\n", 9},
	    {"+<x@example.test>", 18}, {"-<b@example.test>", 18}, {"e<n@b.test>", 12}, {"qwhy", 5}, {"y550 5.7.1 no", 14}, {"p", 1},
	    {"a", 1}, {"r", 1}, {"t", 1}, {"d", 1}, {"s", 1}};
	sa_catb(sa, "\0\0\0\15O\0\0\0\6\0\0\1\xff", 13);
	/* Asked about all, or behind the message alone. */
	sa_catb(sa, *input_head & LAST_WORD ? "\0\0\2\x7f" : "\0\0\0\0", 4);
	for (size_t i = 0; i < ANSWERS_MAX; i++) {
		uint8_t const c = input_head[1 + CHOICES + i % CHOICES];
		size_t const k = c < 64 ? 0 : c % (sizeof answers / sizeof *answers);
		sa_catb(sa, (char const[]){0, 0, 0, (char)answers[k].len}, 4);
		sa_catb(sa, answers[k].data, answers[k].len);
	}
}

/* Every server of etc/ and run/: it has said all that it will ever say, and takes whatever comes. */
int
target_unix(char const *path, tain const *latest)
{
	stralloc sa = STRALLOC_ZERO;
	int const room = 1 << 20;
	int pair[2];
	(void)latest;
	errno = ECONNREFUSED;
	if (servers_count == SERVERS_MAX)
		return -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
		abort();
	setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
	struct server *s = servers + servers_count++;
	*s = (struct server){pair[1], strstr(path, "filter") != 0};
	(s->is_filter ? filter_says : lmtp_says)(&sa);
	if (write(pair[1], sa.s, sa.len) != (ssize_t)sa.len)
		abort();
	shutdown(pair[1], SHUT_WR);
	stralloc_free(&sa);
	return pair[0];
}

int
target_tcp(ip46 const *ip, uint16_t port, tain const *latest)
{
	(void)ip, (void)port, (void)latest;
	errno = ECONNREFUSED;
	return -1;
}

/* ---- what they were told ---- */

static void
check(struct server const *s)
{
	static char said[1 << 20];
	size_t len = 0;
	for (ssize_t n; len < sizeof said && (n = read(s->fd, said + len, sizeof said - len)) > 0;)
		len += (size_t)n;
	close(s->fd);
	struct lmtp_said l = {.at = said, .end = said + len, .reply = lmtp_reply};
	while (!s->is_filter && lmtp_command(&l))
		;
}

/* ---- the session ---- */

static void
prepare(struct session *s, int submission)
{
	static struct {
		char const *name, *text;
	} const files[] = {{"me", "mx.example.test\n"}, {"domains", "example.test:\nalso.test:alias:example.test\nother.test:lmtp:/run/other\n"},
	    {"relay-domains", "relay.test:\nasked.test:callout\nlisted.test:list\n"}, {"relay-recipients", "a@listed.test:\n"},
	    {"senders", "user:user@example.test,@also.test\n"}, {"aliases", "alias:user\n"}, {"milters", "f unix:/run/filter failure=accept\n"},
	    {"smtp-reverse-dns", "0\n"}, {"smtp-binarymime", "1\n"}, {"smtp-errors", "1000\n"}};
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		char name[60];
		snprintf(name, sizeof name, "etc/%s", files[i].name);
		instance_file(name, files[i].text, strlen(files[i].text));
	}
	__lsan_disable(); /* what is read of settings stays, whatever came of it */
	settings_read(&s->set, submission, 0);
	__lsan_enable();
	if (message_directory(s->set.directory) < 0)
		abort();
	session_init(s);
}

/* As if nobody had been there before. */
static void
begin(struct session *s, struct login *l)
{
	s->peer = (struct ucspi){.kind = UCSPI_TCP, .remote_ip = "192.0.2.7", .remote_port = 1234, .remote_addr = {192, 0, 2, 7}, .remote_len = 4};
	s->login = l;
	s->fd_end = -1;
	s->cleartext = 1;
	s->trusted_network = *input_head & TRUSTED;
	s->proxy = *input_head & PROXY;
	strcpy(s->user, *input_head & KNOWN ? "user" : "");
	s->client_name[0] = s->helo[0] = s->mechanism[0] = s->ident[0] = 0;
	s->state = ST_START;
	s->esmtp = s->early = 0;
	s->future_until = 0;
	s->errors = s->junk = s->messages = 0;
	milters_peer_changed(s);
	door_renew(s);
	net_init(&s->net, 0, 1);
	net_deadline(&s->net, 5);
	s->end = s->net.deadline;
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	static struct session sessions[2];
	static struct login login;
	if (size < HEAD || size > INPUT_MAX / 4)
		return 0;
	struct session *s = sessions + (*data & SUBMISSION);
	input_head = data;
	stand_in_for_client(data + HEAD, size - HEAD);
	stand_in_for_parent(&login, LOGIN_VERDICT);
	if (!s->spool)
		prepare(s, *data & SUBMISSION);
	begin(s, &login);
	session_run(s);
	session_reset(s);
	while (servers_count)
		check(servers + --servers_count);
	return 0;
}

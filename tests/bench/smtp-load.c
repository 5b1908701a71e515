/* smtp-load [-c CLIENTS] [-n CONNECTIONS] [-m MESSAGES] [-s OCTETS] [-u USERS] [-r] [-t SECONDS]
 *     PORT RECIPIENT
 *
 * A load of SMTP to 127.0.0.1, as other servers bring it. CLIENTS (1) at once make CONNECTIONS (as
 * many) in all; each brings MESSAGES (1) of OCTETS (4000) to RECIPIENT, where a # is one of USERS
 * (1) numbers in turn. Commands go in one packet where the server offers PIPELINING. -r: behind
 * STARTTLS, with the session of the client's connection before. Prints a line of JSON: messages,
 * seconds, how many connections resumed a session. Any reply but the wanted one ends it with 111:
 * nobody may be refused. */
// libs: -lssl -lcrypto
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/ssl.h>
#include <skalibs/sgetopt.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "tests/bench/now.h"

#define USAGE                                                                                      \
	"smtp-load [ -c clients ] [ -n connections ] [ -m messages ] [ -s octets ] [ -u users ] "  \
	"[ -r ] [ -t seconds ] port recipient"
#define LINES 16384 /* octets of replies that wait */
#define LINE 72	    /* octets of a line of the text */

struct plan {
	unsigned int clients, connections, messages, octets, users, seconds;
	int tls;
	uint16_t port;
	char const *recipient;
	char *text; /* with its final dot */
	size_t length;
};

struct connection {
	int fd;
	SSL *ssl; /* null: in clear */
	char in[LINES];
	size_t begin, end;
	int pipelining;
};

static SSL_CTX *ctx;
static SSL_SESSION *session;  /* of the connection before */
static unsigned int *resumed; /* connections, by client; shared */

/* ---- octets ---- */

static void
send_all(struct connection *c, char const *s, size_t n)
{
	while (n) {
		size_t const part = n < 1u << 20 ? n : 1u << 20;
		ssize_t const w = c->ssl ? SSL_write(c->ssl, s, (int)part) : write(c->fd, s, part);
		if (w <= 0)
			strerr_diefu1sys(111, "write to the server");
		s += w;
		n -= (size_t)w;
	}
}

/* The next line, without its end. */
static char *
take_line(struct connection *c)
{
	for (;;) {
		char *const line = c->in + c->begin;
		char *const lf = memchr(line, '\n', c->end - c->begin);
		if (lf) {
			*lf = 0;
			c->begin = (size_t)(lf - c->in) + 1;
			return line;
		}
		memmove(c->in, line, c->end -= c->begin);
		c->begin = 0;
		size_t const room = sizeof c->in - c->end;
		char *const to = c->in + c->end;
		ssize_t const r = c->ssl ? SSL_read(c->ssl, to, (int)room) : read(c->fd, to, room);
		if (r <= 0)
			strerr_dief1x(111, "the server has hung up, or its line is too long");
		c->end += (size_t)r;
	}
}

static void
expect(struct connection *c, char const *code)
{
	for (;;) {
		char const *const line = take_line(c);
		if (strncmp(line, code, 3))
			strerr_dief4x(111, "not ", code, ": ", line);
		if (!strncmp(line + 3, "-PIPELINING", 11) || !strncmp(line + 3, " PIPELINING", 11))
			c->pipelining = 1;
		if (line[3] != '-')
			return;
	}
}

static void
say(struct connection *c, char const *line, char const *code)
{
	send_all(c, line, strlen(line));
	expect(c, code);
}

/* ---- a connection ---- */

static int
new_session(SSL *ssl, SSL_SESSION *s)
{
	(void)ssl;
	SSL_SESSION_free(session);
	session = s;
	return 1;
}

static void
start_tls(struct connection *c, unsigned int client)
{
	say(c, "STARTTLS\r\n", "220");
	c->ssl = SSL_new(ctx);
	if (!c->ssl || !SSL_set_fd(c->ssl, c->fd) ||
	    (session && !SSL_set_session(c->ssl, session)) || SSL_connect(c->ssl) != 1)
		strerr_dief1x(111, "no TLS");
	resumed[client] += SSL_session_reused(c->ssl) ? 1 : 0;
	c->pipelining = 0;
	say(c, "EHLO client.test\r\n", "250");
}

static void
greet(struct connection *c, struct plan const *p, unsigned int client)
{
	struct sockaddr_in const a = {.sin_family = AF_INET,
	    .sin_port = htons(p->port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	*c = (struct connection){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
	if (c->fd < 0 || connect(c->fd, (struct sockaddr const *)&a, sizeof a))
		strerr_diefu1sys(111, "connect");
	expect(c, "220");
	say(c, "EHLO client.test\r\n", "250");
	if (p->tls)
		start_tls(c, client);
}

static void
bring(struct connection *c, struct plan const *p, unsigned int user)
{
	char const *const mark = strchrnul(p->recipient, '#');
	char number[UINT_FMT + 1] = "", line[3][500];
	if (*mark)
		number[uint_fmt(number, user % p->users)] = 0;
	snprintf(line[0], sizeof line[0], "MAIL FROM:<sender@remote.test>\r\n");
	snprintf(line[1], sizeof line[1], "RCPT TO:<%.*s%s%s>\r\n", (int)(mark - p->recipient),
	    p->recipient, number, *mark ? mark + 1 : "");
	snprintf(line[2], sizeof line[2], "DATA\r\n");
	if (c->pipelining) {
		char all[sizeof line];
		snprintf(all, sizeof all, "%s%s%s", line[0], line[1], line[2]);
		send_all(c, all, strlen(all));
	}
	for (int i = 0; i < 3; i++) {
		if (!c->pipelining)
			send_all(c, line[i], strlen(line[i]));
		expect(c, i == 2 ? "354" : "250");
	}
	send_all(c, p->text, p->length);
	expect(c, "250");
}

static void
part(struct connection *c)
{
	say(c, "QUIT\r\n", "221");
	if (c->ssl) {
		SSL_shutdown(c->ssl);
		SSL_free(c->ssl);
	}
	close(c->fd);
}

static void client(struct plan const *p, unsigned int number) __attribute__((noreturn));
static void
client(struct plan const *p, unsigned int number)
{
	static struct connection c;
	alarm(p->seconds);
	for (unsigned int k = number; k < p->connections; k += p->clients) {
		greet(&c, p, number);
		for (unsigned int m = 0; m < p->messages; m++)
			bring(&c, p, k + m);
		part(&c);
	}
	_exit(0);
}

/* ---- the load ---- */

/* Fields, lines of words, and the final dot. */
static void
make_text(struct plan *p)
{
	static char const head[] = "From: sender@remote.test\r\nTo: somebody@example.test\r\n"
				   "Subject: a message of the load\r\n"
				   "Date: Mon, 5 Jan 2026 10:00:00 +0000\r\n"
				   "Message-ID: <load@remote.test>\r\n\r\n";
	if (p->octets < sizeof head + LINE)
		strerr_dief1x(100, "messages are too short");
	p->text = malloc(p->octets + 10);
	if (!p->text)
		strerr_diefu1sys(111, "allocate memory");
	memcpy(p->text, head, sizeof head - 1);
	for (unsigned int i = sizeof head - 1; i < p->octets; i++) {
		unsigned int const at = (i - (unsigned int)sizeof head + 1) % LINE;
		p->text[i] = at == LINE - 2   ? '\r'
			     : at == LINE - 1 ? '\n'
			     : at % 6 == 5    ? ' '
					      : 'x';
	}
	/* No CR may stand before the last line end. */
	p->text[p->octets - 3] = 'x';
	memcpy(p->text + p->octets - 2, "\r\n.\r\n", 5);
	p->length = p->octets + 3;
}

static void
make_tls(void)
{
	ctx = SSL_CTX_new(TLS_client_method());
	if (!ctx)
		strerr_dief1x(111, "no TLS");
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, new_session);
}

static void
parse(struct plan *p, int argc, char const *const *argv)
{
	subgetopt l = SUBGETOPT_ZERO;
	*p = (struct plan){.clients = 1, .messages = 1, .octets = 4000, .users = 1, .seconds = 60};
	for (int c; (c = subgetopt_r(argc, argv, "c:n:m:s:u:t:r", &l)) != -1;) {
		unsigned int *const number = c == 'c'	? &p->clients
					     : c == 'n' ? &p->connections
					     : c == 'm' ? &p->messages
					     : c == 's' ? &p->octets
					     : c == 'u' ? &p->users
					     : c == 't' ? &p->seconds
							: 0;
		if (c == 'r')
			p->tls = 1;
		else if (!number || !uint0_scan(l.arg, number) || !*number)
			strerr_dieusage(100, USAGE);
	}
	if (argc - l.ind != 2 || !uint160_scan(argv[l.ind], &p->port))
		strerr_dieusage(100, USAGE);
	p->recipient = argv[l.ind + 1];
	if (p->connections < p->clients)
		p->connections = p->clients;
}

int
main(int argc, char const *const *argv)
{
	struct plan p;
	int failed = 0, status;
	unsigned int again = 0;
	PROG = "smtp-load";
	parse(&p, argc, argv);
	make_text(&p);
	if (p.tls)
		make_tls();
	signal(SIGPIPE, SIG_IGN);
	resumed = mmap(0, p.clients * sizeof *resumed, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (resumed == MAP_FAILED)
		strerr_diefu1sys(111, "map memory");
	double const began = now();
	for (unsigned int i = 0; i < p.clients; i++)
		if (!fork())
			client(&p, i);
	while (wait(&status) > 0)
		failed |= status;
	if (failed)
		return 111;
	for (unsigned int i = 0; i < p.clients; i++)
		again += resumed[i];
	printf("{\"messages\": %u, \"seconds\": %.6f, \"resumed\": %u}\n",
	    p.connections * p.messages, now() - began, again);
	return 0;
}

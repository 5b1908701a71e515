/* mail-load [-c CLIENTS] [-s SESSIONS] [-l LOGIN:PASSWORD] [-t SECONDS] imap|pop3 PLACE
 * [COMMAND...]
 *
 * A load of IMAP or POP3 sessions. Each connects to PLACE (ADDRESS:PORT, /SOCKET, or "|PROGRAM
 * ARGS", which is started on a socket pair), takes the greeting, logs in (-l; a # in LOGIN is the
 * client's number), and runs the COMMANDs one after the other; the last should end the session. For
 * POP3 "RETR A:B" is a RETR of each; for IMAP "APPEND MAILBOX COUNT:OCTETS" appends so many
 * messages, one after the other. CLIENTS (1) at once make SESSIONS (as many) in all. What comes is
 * read in large pieces and thrown away; only a response's last line is looked at. Prints
 *
 *     SESSION STEP MICROSECONDS OCTETS WHAT        for each step: connect, login, the commands, end
 *     = SESSIONS SECONDS OCTETS                    at last
 *
 * where the time is from just before the command is written until the end of its response was
 * read. Any answer but OK, and more than SECONDS (600) for a client, end it with 111. A PROGRAM
 * must greet, which Dovecot's pop3 alone does not. */
#include <arpa/inet.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <skalibs/sgetopt.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "tests/bench/now.h"

#define USAGE                                                                                      \
	"mail-load [ -c clients ] [ -s sessions ] [ -l login:password ] [ -t seconds ] imap|pop3 " \
	"place [ command... ]"
#define BUFFER 262144u /* octets of one read; what was read stays in the processor's cache */
#define LINE 8192u     /* of a last line that is still recognised */
#define CLIENTS_MAX 1000u
#define TAG "k7q9 "

enum ending { END_LINE, END_TAG, END_DOT };

struct plan {
	int pop3;
	unsigned int clients, sessions, seconds;
	char const *login, *place, *const *commands;
	unsigned int count;
};

struct connection {
	int fd;
	pid_t program; /* 0: connected, not started */
	size_t used;
};

static char buf[LINE + BUFFER];
static uint64_t *received; /* octets, by client; shared */

/* Whether what is in the buffer ends a response, and where its last line begins. */
static int
ended(size_t used, enum ending how, char const **line_r)
{
	if (!used || buf[used - 1] != '\n')
		return 0;
	char const *const before = memrchr(buf, '\n', used - 1);
	char const *const line = before ? before + 1 : buf;
	size_t const n = (size_t)(buf + used - line);
	*line_r = line;
	if (how == END_LINE)
		return 1;
	if (how == END_DOT && used > 1 && !before && *line == '-')
		return 1;
	return how == END_TAG ? n > sizeof TAG && !memcmp(line, TAG, sizeof TAG - 1)
			      : n == 3 && !memcmp(line, ".\r\n", 3);
}

static void
check(char const *line, enum ending how, size_t n, char const *what)
{
	int const good = how == END_TAG ? !strncmp(line + sizeof TAG - 1, "OK ", 3)
					: *line != '-' && strncmp(line, "* BYE", 5);
	if (good)
		return;
	buf[n - 1] = 0;
	strerr_dief4x(111, what, ": ", line, "");
}

/* Reads a response: its octets. */
static uint64_t
take(struct connection *c, enum ending how, char const *what)
{
	uint64_t total = 0;
	char const *line = buf;
	c->used = 0;
	do {
		if (c->used > LINE) { /* only the last line matters */
			memmove(buf, buf + c->used - LINE, LINE);
			c->used = LINE;
		}
		ssize_t const r = read(c->fd, buf + c->used, BUFFER);
		if (r < 0)
			strerr_diefu2sys(111, "read the answer to ", what);
		if (!r)
			strerr_dief2x(111, "the server hung up at ", what);
		c->used += (size_t)r;
		total += (uint64_t)r;
	} while (!ended(c->used, how, &line));
	check(line, how, c->used, what);
	return total;
}

static void
say(struct connection const *c, char const *text, char const *what)
{
	size_t const n = strlen(text);
	if (write(c->fd, text, n) != (ssize_t)n)
		strerr_diefu2sys(111, "write ", what);
}

static pid_t
start(char const *command, int *fd_r)
{
	int p[2];
	pid_t pid;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, p) || (pid = fork()) < 0)
		strerr_diefu1sys(111, "start a program");
	if (!pid) {
		dup2(p[1], 0);
		dup2(p[1], 1);
		alarm(0);
		execl("/bin/sh", "sh", "-c", command, (char *)0);
		_exit(111);
	}
	close(p[1]);
	*fd_r = p[0];
	return pid;
}

static int
connected(char const *place)
{
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_un un;
	} a = {0};
	char const *const colon = strrchr(place, ':');
	char host[INET_ADDRSTRLEN] = "";
	uint16_t port;
	socklen_t n = sizeof a.in;
	if (*place == '/' && strlen(place) < sizeof a.un.sun_path) {
		a.un.sun_family = AF_UNIX;
		strcpy(a.un.sun_path, place);
		n = sizeof a.un;
	} else if (colon && (size_t)(colon - place) < sizeof host &&
		   uint160_scan(colon + 1, &port)) {
		memcpy(host, place, (size_t)(colon - place));
		a.in.sin_family = AF_INET;
		a.in.sin_port = htons(port);
		if (inet_pton(AF_INET, host, &a.in.sin_addr) != 1)
			strerr_dieusage(100, USAGE);
	} else
		strerr_dieusage(100, USAGE);
	int const fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, &a.any, n))
		strerr_diefu2sys(111, "connect to ", place);
	return fd;
}

struct step {
	unsigned int session, number;
	uint64_t octets;
	double seconds;
};

static void
note(struct step *s, char const *what)
{
	printf("%u %u %.1f %llu %s\n", s->session, s->number++, s->seconds * 1e6,
	    (unsigned long long)s->octets, what);
}

/* One line, one response; added to the step. */
static void
exchange(struct connection *c, struct step *s, char const *line, enum ending how, char const *what)
{
	/* Before the write: the answer may be there before it returns. */
	double const began = now();
	say(c, line, what);
	s->octets += take(c, how, what);
	s->seconds += now() - began;
}

static void
pop3_command(struct connection *c, struct step *s, char const *command)
{
	char line[1000];
	unsigned int from, to;
	enum ending const how = !strncmp(command, "RETR", 4) || !strcmp(command, "LIST") ||
					!strcmp(command, "UIDL") || !strcmp(command, "CAPA")
				    ? END_DOT
				    : END_LINE;
	if (sscanf(command, "RETR %u:%u", &from, &to) == 2) {
		for (unsigned int i = from; i <= to; i++) {
			snprintf(line, sizeof line, "RETR %u\r\n", i);
			exchange(c, s, line, END_DOT, command);
		}
		return;
	}
	snprintf(line, sizeof line, "%s\r\n", command);
	exchange(c, s, line, how, command);
}

static void
append(struct connection *c, struct step *s, char const *mailbox, unsigned int count,
    unsigned int octets, char const *what)
{
	static char const text[] = "Subject: a message of the load\r\n\r\n";
	char *const line = malloc(octets + 200);
	int const head = snprintf(line, 200, TAG "APPEND %s {%u+}\r\n", mailbox, octets);
	if (!line || octets < sizeof text)
		strerr_dief1x(100, "APPEND: too short");
	for (unsigned int i = 0; i < octets; i++)
		line[(unsigned int)head + i] = i % 72 == 70 ? '\r' : i % 72 == 71 ? '\n' : 'x';
	memcpy(line + head, text, sizeof text - 1);
	strcpy(line + head + octets, "\r\n");
	for (unsigned int i = 0; i < count; i++)
		exchange(c, s, line, END_TAG, what);
	free(line);
}

static void
imap_command(struct connection *c, struct step *s, char const *command)
{
	char mailbox[100];
	unsigned int count, octets;
	if (sscanf(command, "APPEND %99s %u:%u", mailbox, &count, &octets) == 3) {
		append(c, s, mailbox, count, octets, command);
		return;
	}
	size_t const size = sizeof TAG + strlen(command) + 2;
	char line[size];
	snprintf(line, size, TAG "%s\r\n", command);
	exchange(c, s, line, END_TAG, command);
}

static void
log_in(struct connection *c, struct plan const *p, struct step *s, unsigned int client)
{
	char login[300], line[700];
	char const *const colon = strchr(p->login, ':'), *const mark = strchr(p->login, '#');
	if (mark && mark < colon)
		snprintf(login, sizeof login, "%.*s%u%.*s", (int)(mark - p->login), p->login,
		    client, (int)(colon - mark - 1), mark + 1);
	else
		snprintf(login, sizeof login, "%.*s", (int)(colon - p->login), p->login);
	if (!p->pop3) {
		snprintf(line, sizeof line, "LOGIN %s %s", login, colon + 1);
		return imap_command(c, s, line);
	}
	snprintf(line, sizeof line, "USER %s\r\n", login);
	exchange(c, s, line, END_LINE, "login");
	snprintf(line, sizeof line, "PASS %s\r\n", colon + 1);
	exchange(c, s, line, END_LINE, "login");
}

/* The server's end: what it still has to do is done before the next session. */
static void
finish(struct connection *c, struct step *s)
{
	double const began = now();
	if (c->program)
		shutdown(c->fd, SHUT_WR);
	while (read(c->fd, buf, sizeof buf) > 0)
		;
	close(c->fd);
	if (c->program)
		waitpid(c->program, 0, 0);
	s->seconds = now() - began;
	s->octets = 0;
	note(s, "end");
}

static uint64_t
session(struct plan const *p, unsigned int client, unsigned int number)
{
	struct connection c = {.program = 0};
	struct step s = {.session = number};
	uint64_t total = 0;
	double const began = now();
	if (*p->place == '|')
		c.program = start(p->place + 1, &c.fd);
	else
		c.fd = connected(p->place);
	s.octets = take(&c, END_LINE, "connect");
	s.seconds = now() - began;
	note(&s, "connect");
	for (unsigned int i = p->login ? 0 : 1; i <= p->count; i++) {
		s.octets = 0;
		s.seconds = 0;
		if (!i)
			log_in(&c, p, &s, client);
		else
			(p->pop3 ? pop3_command : imap_command)(&c, &s, p->commands[i - 1]);
		total += s.octets;
		note(&s, i ? p->commands[i - 1] : "login");
	}
	finish(&c, &s);
	fflush(stdout);
	return total;
}

static void
too_late(int number)
{
	static char const text[] = "mail-load: fatal: no answer in time\n";
	(void)number;
	if (write(2, text, sizeof text - 1) < 0)
		_exit(112);
	_exit(111);
}

static void
parse(struct plan *p, int argc, char const *const *argv)
{
	subgetopt l = SUBGETOPT_ZERO;
	*p = (struct plan){.clients = 1, .seconds = 600};
	for (int c; (c = subgetopt_r(argc, argv, "c:s:l:t:", &l)) != -1;) {
		int good = 1;
		switch (c) {
		case 'c':
			good = uint0_scan(l.arg, &p->clients) && p->clients;
			break;
		case 's':
			good = uint0_scan(l.arg, &p->sessions) && p->sessions;
			break;
		case 't':
			good = uint0_scan(l.arg, &p->seconds) && p->seconds;
			break;
		case 'l':
			good = !!strchr(p->login = l.arg, ':');
			break;
		default:
			good = 0;
		}
		if (!good)
			strerr_dieusage(100, USAGE);
	}
	argc -= l.ind;
	argv += l.ind;
	if (argc < 2 || (strcmp(argv[0], "imap") && strcmp(argv[0], "pop3")) ||
	    p->clients > CLIENTS_MAX)
		strerr_dieusage(100, USAGE);
	if (!p->sessions)
		p->sessions = p->clients;
	p->pop3 = !strcmp(argv[0], "pop3");
	p->place = argv[1];
	p->commands = argv + 2;
	p->count = (unsigned int)argc - 2;
}

int
main(int argc, char const *const *argv)
{
	struct plan p;
	int failed = 0, status;
	uint64_t total = 0;
	PROG = "mail-load";
	parse(&p, argc, argv);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGALRM, too_late);
	received = mmap(0, CLIENTS_MAX * sizeof *received, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (received == MAP_FAILED)
		strerr_diefu1sys(111, "map memory");
	double const began = now();
	for (unsigned int i = 0; i < p.clients; i++)
		if (!fork()) {
			alarm(p.seconds);
			for (unsigned int k = i; k < p.sessions; k += p.clients)
				received[i] += session(&p, i, k);
			_exit(0);
		}
	while (wait(&status) > 0)
		failed |= status;
	for (unsigned int i = 0; i < p.clients; i++)
		total += received[i];
	if (failed)
		return 111;
	printf("= %u %.6f %llu\n", p.sessions, now() - began, (unsigned long long)total);
	return 0;
}

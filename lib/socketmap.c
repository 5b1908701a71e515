#include "lib/socketmap.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <skalibs/iopause.h>

#include "lib/net.h"
#include "lib/sa.h"
#include "lib/sandbox.h"
#include "lib/skalibs-compat.h"
#include "lib/target.h"

#define DIGITS_MAX 6 /* of a length up to SOCKETMAP_ANSWER_MAX */
#define WHY_MAX 256

static char why_text[WHY_MAX];

/* ---- the answer ---- */

/* The length in front of a netstring's colon: octets read, 0 if the colon has not come, -1. */
static int
parse_length(char const *s, size_t n, size_t *length)
{
	*length = 0;
	for (size_t i = 0; i < n && i <= DIGITS_MAX; i++) {
		if (s[i] == ':')
			return i ? (int)i + 1 : -1;
		if (s[i] < '0' || s[i] > '9' || (i && *s == '0'))
			return -1;
		*length = 10 * *length + (size_t)(s[i] - '0');
	}
	return n > DIGITS_MAX ? -1 : 0;
}

static enum socketmap_answer
parse_word(char const *s, size_t n, char const **text, size_t *len)
{
	static struct {
		char const *word;
		enum socketmap_answer means;
	} const words[] = {
	    {"OK", SOCKETMAP_OK},
	    {"NOTFOUND", SOCKETMAP_NOTFOUND},
	    {"TEMP", SOCKETMAP_TEMP},
	    {"TIMEOUT", SOCKETMAP_TEMP},
	    {"PERM", SOCKETMAP_PERM},
	};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		size_t const w = strlen(words[i].word);
		if (n < w || memcmp(s, words[i].word, w) || (n > w && s[w] != ' '))
			continue;
		*text = s + w + (n > w);
		*len = n - w - (n > w);
		/* Values are C strings to all who read them. */
		return memchr(*text, 0, *len) ? SOCKETMAP_BAD : words[i].means;
	}
	return SOCKETMAP_BAD;
}

enum socketmap_answer
socketmap_parse(char const *s, size_t n, char const **text, size_t *len)
{
	size_t length;
	int const at = parse_length(s, n, &length);
	if (at < 0 || length > SOCKETMAP_ANSWER_MAX)
		return SOCKETMAP_BAD;
	if (!at || n - (size_t)at <= length)
		return SOCKETMAP_MORE;
	/* Nobody asked for what comes behind it. */
	if (s[(size_t)at + length] != ',' || n != (size_t)at + length + 1)
		return SOCKETMAP_BAD;
	return parse_word(s + at, length, text, len);
}

/* ---- the connection ---- */

void
socketmap_close(struct socketmap *m)
{
	if (m->fd >= 0)
		close(m->fd);
	m->fd = -1;
	/* A program that does not end with its connection would keep us waiting. */
	if (m->pid > 0 && !kill(m->pid, SIGKILL))
		while (waitpid(m->pid, 0, 0) < 0 && errno == EINTR)
			;
	m->pid = 0;
}

static int
run(struct socketmap *m, char const *program)
{
	int fd[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) < 0)
		return -1;
	m->pid = fork();
	if (!m->pid) {
		if (dup2(fd[1], 0) >= 0 && dup2(fd[1], 1) >= 0) {
			sandbox_close_but(0, 0);
			execlp(program, program, (char *)0);
		}
		_exit(111);
	}
	int const e = errno;
	close(fd[1]);
	if (m->pid < 0) {
		m->pid = 0;
		close(fd[0]);
		errno = e;
		return -1;
	}
	ndelay_on(fd[0]);
	return m->fd = fd[0];
}

static int
open_connection(struct socketmap *m, tain const *deadline)
{
	ip46 ip;
	uint16_t port;
	if (!strncmp(m->address, "run:", 4))
		return run(m, m->address + 4);
	if (!strncmp(m->address, "unix:", 5))
		return m->fd = target_unix(m->address + 5, deadline);
	if (target_parse(m->address, &ip, &port) < 0) {
		errno = EINVAL;
		return -1;
	}
	return m->fd = target_tcp(&ip, port, deadline);
}

/* 0 or -1. */
static int
send_all(int fd, char const *s, size_t len, tain const *deadline)
{
	while (len) {
		ssize_t const w = send(fd, s, len, MSG_NOSIGNAL);
		if (w > 0) {
			s += w;
			len -= (size_t)w;
			continue;
		}
		iopause_fd x = {.fd = fd, .events = IOPAUSE_WRITE};
		if (w < 0 && errno != EAGAIN && errno != EINTR)
			return -1;
		if (!iopause_g(&x, 1, deadline)) {
			errno = ETIMEDOUT;
			return -1;
		}
	}
	return 0;
}

/* The whole answer into in: 1; 0 the server has closed before a word of it; -1. */
static int
receive(struct socketmap *m, tain const *deadline, stralloc *in, enum socketmap_answer *answer,
    char const **text, size_t *len)
{
	*answer = SOCKETMAP_MORE;
	for (sa_reset(in); *answer == SOCKETMAP_MORE;) {
		sa_room(in, 4096);
		ssize_t const r = net_read_before(m->fd, in->s + in->len, 4096, deadline);
		if (!r || (r < 0 && errno == ECONNRESET)) {
			errno = EPIPE;
			return in->len ? -1 : 0;
		}
		if (r < 0)
			return -1;
		in->len += (size_t)r;
		*answer = socketmap_parse(in->s, in->len, text, len);
	}
	return 1;
}

/* Question and answer: as receive. */
static int
exchange(struct socketmap *m, char const *question, size_t n, tain const *deadline, stralloc *in,
    enum socketmap_answer *answer, char const **text, size_t *len)
{
	int const fresh = m->fd < 0;
	int r;
	if (fresh && open_connection(m, deadline) < 0)
		return -1;
	if (send_all(m->fd, question, n, deadline) < 0)
		r = errno == EPIPE || errno == ECONNRESET ? 0 : -1;
	else
		r = receive(m, deadline, in, answer, text, len);
	if (r == 1)
		return 1;
	int const e = errno;
	socketmap_close(m);
	errno = e;
	return fresh ? -1 : r;
}

/* What its answer means for the caller. */
static int
conclude(struct socketmap *m, enum socketmap_answer answer, char const *text, size_t len,
    stralloc *value, char const **why)
{
	switch (answer) {
	case SOCKETMAP_OK:
		sa_copyb(value, text, len);
		sa_str(value);
		return 1;
	case SOCKETMAP_NOTFOUND:
		return 0;
	case SOCKETMAP_TEMP:
	case SOCKETMAP_PERM:
		snprintf(
		    why_text, sizeof why_text, "%.*s", (int)(len < WHY_MAX ? len : WHY_MAX), text);
		*why = why_text;
		errno = answer == SOCKETMAP_PERM ? EINVAL : EAGAIN;
		return -1;
	default:
		socketmap_close(m);
		*why = "what came is no answer of a socketmap";
		errno = EPROTO;
		return -1;
	}
}

int
socketmap_find(struct socketmap *m, char const *key, size_t len, tain const *deadline,
    stralloc *value, char const **why)
{
	stralloc question = STRALLOC_ZERO, in = STRALLOC_ZERO;
	enum socketmap_answer answer = SOCKETMAP_BAD;
	char const *text = "";
	size_t n = 0;
	sa_catf(&question, "%zu:%s ", strlen(m->map) + 1 + len, m->map);
	sa_catb(&question, key, len);
	sa_append(&question, ',');
	tain_now_g();
	int r = exchange(m, question.s, question.len, deadline, &in, &answer, &text, &n);
	if (!r) /* one that was kept, and closed since the last answer */
		r = exchange(m, question.s, question.len, deadline, &in, &answer, &text, &n);
	if (r == 1)
		r = conclude(m, answer, text, n, value, why);
	else
		*why = strerror(errno);
	int const e = errno;
	if (in.s)
		explicit_bzero(in.s, in.a); /* it may hold a password's hash */
	stralloc_free(&in);
	stralloc_free(&question);
	errno = e;
	return r;
}

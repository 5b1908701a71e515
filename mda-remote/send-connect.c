#include "mda-remote/send.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <skalibs/iopause.h>

#include "lib/ascii.h"
#include "lib/base64.h"
#include "lib/conf.h"
#include "lib/sa.h"
#include "lib/ucspi.h"

void
send_deadline(struct send *s, unsigned int seconds)
{
	if (seconds > s->timeout)
		seconds = s->timeout;
	net_deadline_before(&s->c.net, seconds, &s->job_deadline);
}

/* ---- TCP ---- */

static socklen_t
make_sockaddr(struct sockaddr_storage *ss, struct send_host const *h)
{
	unsigned char addr[16];
	memset(ss, 0, sizeof *ss);
	if (ucspi_scan(h->ip, addr) == 4) {
		struct sockaddr_in *in = (struct sockaddr_in *)ss;
		in->sin_family = AF_INET;
		in->sin_port = htons(h->port);
		memcpy(&in->sin_addr, addr, 4);
		return sizeof *in;
	}
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(h->port);
	memcpy(&in6->sin6_addr, addr, 16);
	return sizeof *in6;
}

static int
finish_connect(int fd, unsigned int seconds)
{
	iopause_fd x = {.fd = fd, .events = IOPAUSE_WRITE};
	tain deadline;
	int e = 0, r;
	socklen_t len = sizeof e;
	tain_now_g();
	tain_addsec_g(&deadline, (int)seconds);
	do
		r = iopause_g(&x, 1, &deadline);
	while (r < 0 && errno == EINTR);
	if (!r)
		errno = ETIMEDOUT;
	if (r <= 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &len) < 0)
		return -1;
	errno = e;
	return e ? -1 : 0;
}

static int
connect_tcp(struct send_host const *h, unsigned int seconds)
{
	struct sockaddr_storage ss;
	socklen_t len = make_sockaddr(&ss, h);
	int fd = socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	int r = connect(fd, (struct sockaddr *)&ss, len);
	if (r < 0 && errno == EINPROGRESS)
		r = finish_connect(fd, seconds);
	if (r < 0) {
		int e = errno;
		close(fd);
		errno = e;
		return -1;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	return fd;
}

/* ---- the reasons ---- */

static int
io_error(struct attempt *why, char const *what)
{
	char text[200];
	int e = errno;
	snprintf(text, sizeof text, "%s: %s", what,
	    e == EPROTO ? "the server does not speak the protocol" : strerror(e));
	attempt_set(why, 'w', 0, e == ETIMEDOUT ? "4.4.2" : e == EPROTO ? "4.5.0" : "4.4.1", text);
	return -1;
}

/* A refusal; permanent only where the caller finds no other host. */
static int
refused(struct send *s, struct attempt *why)
{
	attempt_set(why, s->reply.code / 100 == 5 ? 'f' : 'w', s->reply.code, s->reply.status,
	    s->reply.text.s);
	return -1;
}

/* ---- TLS (RFC 3207) and AUTH (RFC 4954) ---- */

enum { READY = 0, FAILED = -1, AGAIN_IN_CLEAR = 1 };

static int
no_tls(struct send *s, struct attempt *why, char const *text)
{
	attempt_set(why, 'w', s->reply.code >= 400 ? s->reply.code : 0, "4.7.5", text);
	return s->tls == TLS_MUST ? FAILED : AGAIN_IN_CLEAR;
}

static int
start_tls(struct send *s, struct attempt *why)
{
	smtp_client_cmd(&s->c, "STARTTLS");
	if (smtp_client_reply(&s->c, &s->reply) < 0) {
		io_error(why, "STARTTLS");
		return s->tls == TLS_MUST ? FAILED : AGAIN_IN_CLEAR;
	}
	if (s->reply.code != 220)
		return s->tls == TLS_MUST ? no_tls(s, why, s->reply.text.s) : READY;
	/* What came in clear behind the reply is an injection. */
	net_discard(&s->c.net);
	unsigned int seconds = s->timeout < SEND_TLS_SECONDS ? s->timeout : SEND_TLS_SECONDS;
	int fd = tls_client_start(&s->tls_state, s->c.net.fd_in, s->peer->name, seconds);
	s->c.net.fd_in = s->c.net.fd_out = -1;
	if (fd < 0)
		return no_tls(s, why, s->tls_state.why);
	stralloc_free(&s->c.auth);
	int lmtp = s->c.lmtp;
	smtp_client_fds(&s->c, fd, fd);
	s->c.lmtp = lmtp;
	send_deadline(s, SEND_GREETING_SECONDS);
	int r = smtp_client_ehlo(&s->c, conf_me(), &s->reply);
	if (r < 0)
		return io_error(why, "EHLO after STARTTLS");
	return r ? refused(s, why) : READY;
}

static int
auth_step(struct send *s, stralloc const *plain)
{
	stralloc b = STRALLOC_ZERO;
	base64_encode(&b, plain->s, plain->len);
	smtp_client_cmd(&s->c, "%s", sa_str(&b));
	stralloc_free(&b);
	return smtp_client_reply(&s->c, &s->reply);
}

static int
auth_plain(struct send *s)
{
	stralloc plain = STRALLOC_ZERO, b = STRALLOC_ZERO;
	sa_0(&plain);
	sa_cats(&plain, s->login);
	sa_0(&plain);
	sa_cats(&plain, s->password);
	base64_encode(&b, plain.s, plain.len);
	smtp_client_cmd(&s->c, "AUTH PLAIN %s", sa_str(&b));
	stralloc_free(&plain);
	stralloc_free(&b);
	return smtp_client_reply(&s->c, &s->reply);
}

static int
auth_login(struct send *s)
{
	stralloc word = STRALLOC_ZERO;
	smtp_client_cmd(&s->c, "AUTH LOGIN");
	int r = smtp_client_reply(&s->c, &s->reply);
	sa_copys(&word, s->login);
	if (!r && s->reply.code == 334)
		r = auth_step(s, &word);
	sa_copys(&word, s->password);
	if (!r && s->reply.code == 334)
		r = auth_step(s, &word);
	stralloc_free(&word);
	return r;
}

static int
has_word(stralloc const *list, char const *word)
{
	size_t n = strlen(word);
	for (size_t i = 0; i < list->len;) {
		while (i < list->len && ascii_isblank(list->s[i]))
			i++;
		size_t end = i;
		while (end < list->len && !ascii_isblank(list->s[end]))
			end++;
		if (end - i == n && ascii_ieq(list->s + i, n, word))
			return 1;
		i = end;
	}
	return 0;
}

static int
authenticate(struct send *s, struct attempt *why)
{
	if (!s->login)
		return READY;
	int plain = has_word(&s->c.auth, "PLAIN");
	if (!plain && !has_word(&s->c.auth, "LOGIN")) {
		attempt_set(
		    why, 'w', 0, "4.7.0", "the server offers neither AUTH PLAIN nor AUTH LOGIN");
		return FAILED;
	}
	send_deadline(s, SEND_MAIL_SECONDS);
	if ((plain ? auth_plain(s) : auth_login(s)) < 0)
		return io_error(why, "AUTH");
	if (s->reply.code == 235)
		return READY;
	/* Our settings are wrong, not the message. */
	refused(s, why);
	why->verdict = 'w';
	return FAILED;
}

/* ---- one address ---- */

static int
open_connection(struct send *s, struct attempt *why)
{
	unsigned int seconds =
	    s->timeout < SEND_CONNECT_SECONDS ? s->timeout : SEND_CONNECT_SECONDS;
	if (s->socket) {
		if (smtp_client_unix(&s->c, s->socket, seconds) < 0)
			return io_error(why, "connect");
	} else {
		int fd = connect_tcp(s->peer, seconds);
		if (fd < 0)
			return io_error(why, "connect");
		smtp_client_fds(&s->c, fd, fd);
	}
	s->c.lmtp = s->lmtp;
	return 0;
}

static int
greet(struct send *s, int clear, struct attempt *why)
{
	send_deadline(s, SEND_GREETING_SECONDS);
	int r = smtp_client_hello(&s->c, conf_me(), &s->reply);
	if (r < 0)
		return io_error(why, "greeting");
	if (r)
		return refused(s, why);
	if (s->tls == TLS_MUST && !(s->c.ext & EXT_STARTTLS)) {
		attempt_set(
		    why, 'w', 0, "4.7.4", "TLS is required and the server does not offer it");
		return FAILED;
	}
	if (s->tls != TLS_NO && !clear && (s->c.ext & EXT_STARTTLS) && !s->socket)
		r = start_tls(s, why);
	return r == READY ? authenticate(s, why) : r;
}

static int
try_address(struct send *s, int clear, struct attempt *why)
{
	memset(&s->tls_state, 0, sizeof s->tls_state);
	if (open_connection(s, why) < 0)
		return FAILED;
	int r = greet(s, clear, why);
	if (r == READY)
		return READY;
	if (s->c.net.fd_in >= 0)
		smtp_client_close(&s->c);
	/* Opportunistic (RFC 7435): what cannot be encrypted goes in clear. */
	return r == AGAIN_IN_CLEAR ? try_address(s, 1, why) : FAILED;
}

int
send_connect(struct send *s, struct attempt *why)
{
	int all_refuse = 1;
	attempt_set(why, 'w', 0, "4.3.0", "no address to connect to");
	tain_now_g();
	tain_addsec_g(&s->job_deadline, SEND_JOB_SECONDS);
	s->used = 0;
	for (unsigned int i = 0; i < (s->socket ? 1 : s->hosts) && !send_orphaned(); i++) {
		s->peer = s->socket ? 0 : s->host + i;
		if (try_address(s, 0, why) == READY)
			return 0;
		attempt_peer(
		    why, s->socket ? s->socket : s->peer->name, s->socket ? 0 : s->peer->ip);
		if (why->verdict != 'f')
			all_refuse = 0;
	}
	/* One host's refusal is final only if no other host just could not be reached. */
	if (!all_refuse && why->verdict == 'f') {
		why->verdict = 'w';
		why->status[0] = '4';
	}
	return -1;
}

void
send_quit(struct send *s)
{
	smtp_client_deadline(&s->c, SEND_QUIT_SECONDS);
	smtp_client_cmd(&s->c, "QUIT");
	smtp_client_reply(&s->c, &s->reply);
	net_finish(&s->c.net, SEND_QUIT_SECONDS);
}

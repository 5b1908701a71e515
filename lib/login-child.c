#include "lib/login-request.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <skalibs/iopause.h>

#include "lib/skalibs-compat.h"

#define LOGIN_SEND_SECONDS 10

int
login_wait(struct login const *l, struct net *n)
{
	return net_wait(n, l->fd);
}

/* 0 if s does not fit or holds a control: no login or password that a program may be asked about.
 */
static int
put(char *to, size_t size, char const *s)
{
	size_t n = strlen(s);
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] < ' ' || s[i] == 127)
			return 0;
	if (n >= size)
		return 0;
	memcpy(to, s, n + 1);
	return 1;
}

/* Credentials that cannot be right leave login and password empty: asked for all the same, so that
 * they are counted and delayed like wrong ones. */
void
login_fill(struct login_request *r, enum login_ask ask, struct login_credentials const *c)
{
	memset(r, 0, sizeof *r);
	r->ask = ask;
	put(r->mechanism, sizeof r->mechanism, c->mechanism);
	put(r->tag, sizeof r->tag, c->tag ? c->tag : "-");
	put(r->command, sizeof r->command, c->command ? c->command : "-");
	if (strlen(c->login) + strlen(c->password) + 3 > LOGIN_CREDENTIALS_MAX ||
	    !put(r->login, sizeof r->login, c->login) ||
	    !put(r->password, sizeof r->password, c->password))
		r->login[0] = r->password[0] = 0;
}

/* Too many of this user's descriptors are in flight: in a moment some will have arrived. 0 at the
 * deadline. */
static int
pause_until(tain const *deadline)
{
	tain soon;
	tain_now_g();
	if (!tain_future(deadline))
		return 0;
	tain_from_millisecs(&soon, 10);
	tain_add_g(&soon, &soon);
	iopause_g(0, 0, &soon);
	return 1;
}

/* One message, with the connection's descriptors if an account is to be opened for it. */
static int
send_request(
    struct login *l, struct net *n, struct login_request *r, char const *data, size_t data_len)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(2 * sizeof(int))];
	} control;
	char *input;
	int with_fds = l->kind == LOGIN_SESSION && r->ask <= LOGIN_ASK_PROVED;
	size_t input_len = with_fds ? net_peek(n, &input) : 0;
	struct iovec v[3] = {
	    {r, sizeof *r}, {(char *)data, data_len}, {input_len ? input : "", input_len}};
	struct msghdr m = {.msg_iov = v, .msg_iovlen = 3};
	r->data_len = (uint32_t)data_len;
	r->input_len = (uint32_t)input_len;
	if (with_fds) {
		int const fds[2] = {n->fd_in, n->fd_out};
		memset(&control, 0, sizeof control);
		m.msg_control = &control;
		m.msg_controllen = sizeof control;
		struct cmsghdr *h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof fds);
		memcpy(CMSG_DATA(h), fds, sizeof fds);
	}
	ssize_t sent;
	tain deadline;
	tain_now_g();
	tain_addsec_g(&deadline, LOGIN_SEND_SECONDS);
	do
		sent = sendmsg(l->fd, &m, MSG_NOSIGNAL);
	while (sent < 0 && (errno == EINTR || (errno == ETOOMANYREFS && pause_until(&deadline))));
	return sent < 0 ? -1 : 0;
}

static int
read_answer(struct login const *l, struct login_answer *a, unsigned int seconds)
{
	tain deadline;
	tain_now_g();
	tain_addsec_g(&deadline, (int)seconds);
	ssize_t n = net_read_before(l->fd, (char *)a, sizeof *a, &deadline);
	return n < (ssize_t)LOGIN_ANSWER_HEAD || (size_t)n != LOGIN_ANSWER_HEAD + a->len ||
		       a->verdict >= LOGIN_VERDICTS
		   ? -1
		   : 0;
}

int
login_ask(struct login *l, struct net *n, struct login_request *r, char const *data,
    size_t data_len, struct login_answer *a, unsigned int seconds)
{
	int sent = send_request(l, n, r, data, data_len);
	explicit_bzero(r, sizeof *r);
	return sent < 0 ? -1 : read_answer(l, a, seconds);
}

enum login_verdict
login_open(
    struct login *l, struct net *n, struct login_request *r, char const *data, size_t data_len)
{
	static struct login_answer a;
	if (net_flush(n) < 0)
		_exit(0);
	if (l->kind == LOGIN_SESSION)
		net_release(n);
	int got = login_ask(l, n, r, data, data_len, &a, l->answer_seconds);
	l->verdict = got < 0 ? LOGIN_GONE : (enum login_verdict)a.verdict;
	if (l->kind == LOGIN_VERDICT) {
		if (l->verdict == LOGIN_OK && a.len && a.len <= sizeof l->user)
			memcpy(l->user, a.data, a.len);
		return l->verdict;
	}
	/* The connection is the session's now; not even its end is ours to say. */
	if (l->verdict == LOGIN_OK)
		_exit(0);
	ndelay_on(n->fd_in);
	ndelay_on(n->fd_out);
	n->deadline = tain_infinite;
	return l->verdict;
}

enum login_verdict
login_check(struct login *l, struct net *n, struct login_credentials const *c)
{
	struct login_request r;
	login_fill(&r, LOGIN_ASK_PASSWORD, c);
	return login_open(l, n, &r, "", 0);
}

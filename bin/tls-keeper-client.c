#include "bin/tls-keeper.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/sa.h"

static struct client *first, *last;
static unsigned int count;

struct client *
client_new(int fd)
{
	struct client *c = xmalloc(sizeof *c);
	*c = (struct client){.fd = fd, .held = {-1, -1, -1, -1}, .prev = last};
	tain_addsec_g(&c->deadline, KEEPER_REQUEST_SECONDS);
	*(last ? &last->next : &first) = c;
	last = c;
	count++;
	return c;
}

/* Takes c out of the list of those whose request is awaited. */
static void
unlink_client(struct client *c)
{
	*(c->prev ? &c->prev->next : &first) = c->next;
	*(c->next ? &c->next->prev : &last) = c->prev;
}

void
client_free(struct client *c)
{
	if (!c->has_request)
		unlink_client(c);
	for (int i = 0; i < TLS_FDS; i++)
		if (c->held[i] >= 0)
			close(c->held[i]);
	close(c->fd);
	free(c->text);
	free(c);
	count--;
}

struct client *
client_oldest(void)
{
	return first;
}

unsigned int
client_count(void)
{
	return count;
}

/* ---- the request ------------------------------------------------------------------------------
 */

/* Takes the descriptors out of the message; 1 if they are as many as there must be. Whatever came
 * is closed sooner or later: excess ones here, the others by client_free. */
static int
take_descriptors(struct client *c, struct msghdr *m)
{
	size_t n = 0;
	for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h; h = CMSG_NXTHDR(m, h)) {
		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; CMSG_LEN((i + 1) * sizeof(int)) <= h->cmsg_len; i++, n++) {
			int fd;
			memcpy(&fd, CMSG_DATA(h) + i * sizeof fd, sizeof fd);
			if (n < TLS_FDS)
				c->held[n] = fd;
			else
				close(fd);
		}
	}
	return n == TLS_FDS && !(m->msg_flags & MSG_CTRUNC);
}

static enum client_does
bad_request(char const *reason)
{
	log_1("bad-request", "reason", reason);
	return CLIENT_GOES;
}

static enum client_does
read_request(struct client *c)
{
	char text[TLS_REQUEST_MAX];
	union {
		struct cmsghdr header; /* for its alignment */
		char space[CMSG_SPACE(2 * TLS_FDS * sizeof(int))];
	} control;
	struct iovec v = {.iov_base = text, .iov_len = sizeof text};
	struct msghdr m = {.msg_iov = &v,
	    .msg_iovlen = 1,
	    .msg_control = control.space,
	    .msg_controllen = sizeof control.space};
	ssize_t n = recvmsg(c->fd, &m, MSG_CMSG_CLOEXEC);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return CLIENT_WAITS;
	if (n <= 0)
		return CLIENT_GOES;
	/* Descriptors first: those that came must be known even if the rest is bad. */
	if (!take_descriptors(c, &m))
		return bad_request(
		    m.msg_flags & MSG_CTRUNC ? "out of descriptors" : "not four descriptors");
	c->text = xmalloc((size_t)n);
	memcpy(c->text, text, (size_t)n);
	c->len = (size_t)n;
	if (!tls_request_scan(c->text, (size_t)n, &c->request))
		return bad_request("malformed");
	unlink_client(c);
	c->has_request = 1;
	return c->request.at_once ? CLIENT_STARTS : CLIENT_WAITS;
}

/* ---- the command ------------------------------------------------------------------------------
 */

static enum client_does
read_command(struct client *c)
{
	char command;
	ssize_t n = read(c->fd, &command, 1);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return CLIENT_WAITS;
	if (n == 1 && command == 'Y')
		return CLIENT_STARTS;
	if (n == 1 && command == 'y')
		return CLIENT_STARTS_SILENT;
	log_id(c->request.id);
	if (n == 1)
		log_2("bad-request", "ip", c->request.ip, "reason", "unrecognized command");
	else if (c->request.verbosity >= 2)
		log_1("declined", "ip", c->request.ip);
	log_id(0);
	return CLIENT_GOES;
}

enum client_does
client_read(struct client *c)
{
	return c->has_request ? read_command(c) : read_request(c);
}

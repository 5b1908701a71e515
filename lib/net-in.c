#include "lib/net.h"

#include <errno.h>
#include <string.h>

#include <skalibs/iopause.h>

/* As read(2). */
static ssize_t
read_now(struct net *n, char *buf, size_t max)
{
	return n->layer	   ? n->layer->read(n, buf, max)
	       : n->passed ? net_receive(n, buf, max)
			   : read(n->fd_in, buf, max);
}

/* One read into buf after flushing: bytes, 0 at end of file, -1. */
static ssize_t
read_some(struct net *n, char *buf, size_t max)
{
	if ((n->out_len || n->held) && net_flush(n) < 0)
		return -1;
	/* A peer that is gone may have said something before; any other waits for what it has not
	 * got. */
	if (n->werr && n->werr != EPIPE && n->werr != ECONNRESET) {
		errno = n->werr;
		return -1;
	}
	for (;;) {
		/* Checked here too, or a peer that never pauses would never meet its deadline. */
		tain_now_g();
		if (!tain_future(&n->deadline)) {
			errno = ETIMEDOUT;
			return -1;
		}
		ssize_t const r = read_now(n, buf, max);
		if (r >= 0) {
			if (n->trace && r)
				n->trace(0, buf, (size_t)r);
			return r;
		}
		if (errno == EAGAIN) {
			if (net_pause(n->fd_in, IOPAUSE_READ, &n->deadline) < 0)
				return -1;
		} else if (errno != EINTR)
			return -1;
	}
}

int
net_buffered(struct net const *n)
{
	return n->in_start != n->in_end || (n->layer && n->layer->pending(n));
}

size_t
net_peek(struct net *n, char **s)
{
	*s = n->in + n->in_start;
	return n->in_end - n->in_start;
}

/* Adds to the buffered input; the caller has made room. */
static ssize_t
fill_more(struct net *n)
{
	ssize_t r = read_some(n, n->in + n->in_end, NET_INSIZE - n->in_end);
	if (r > 0)
		n->in_end += (size_t)r;
	return r;
}

void
net_glance(struct net *n)
{
	if (n->in_start != n->in_end || n->layer)
		return;
	ssize_t const r = read_now(n, n->in, NET_INSIZE);
	n->in_start = 0;
	n->in_end = r > 0 ? (size_t)r : 0;
	if (n->trace && r > 0)
		n->trace(0, n->in, (size_t)r);
}

ssize_t
net_fill(struct net *n, char **s)
{
	if (n->in_start == n->in_end) {
		n->in_start = n->in_end = 0;
		ssize_t r = fill_more(n);
		if (r <= 0)
			return r;
	}
	return (ssize_t)net_peek(n, s);
}

void
net_consume(struct net *n, size_t used)
{
	if (n->secret)
		explicit_bzero(n->in + n->in_start, used);
	n->in_start += used;
}

size_t
net_discard(struct net *n)
{
	size_t had = n->in_end - n->in_start;
	net_consume(n, had);
	n->in_start = n->in_end = 0;
	return had;
}

ssize_t
net_read(struct net *n, char *buf, size_t max)
{
	if (n->in_start == n->in_end && max >= NET_INSIZE)
		return read_some(n, buf, max);
	char *s;
	ssize_t r = net_fill(n, &s);
	if (r <= 0)
		return r;
	size_t part = (size_t)r < max ? (size_t)r : max;
	memcpy(buf, s, part);
	net_consume(n, part);
	return (ssize_t)part;
}

int
net_readall(struct net *n, char *buf, size_t len)
{
	while (len) {
		ssize_t r = net_read(n, buf, len);
		if (r <= 0)
			return (int)r;
		buf += r;
		len -= (size_t)r;
	}
	return 1;
}

enum net_line
net_getline(struct net *n, char *line, size_t max, size_t *len)
{
	size_t have = 0;
	int toolong = 0;
	for (;;) {
		char *s;
		ssize_t r = net_fill(n, &s);
		if (r <= 0)
			return r ? NET_ERROR : NET_EOF;
		char *lf = memchr(s, '\n', (size_t)r);
		size_t part = lf ? (size_t)(lf - s) : (size_t)r;
		/* One byte more than fits: it may be the CR that is cut off below. */
		if (part > max - have)
			toolong = 1;
		else
			memcpy(line + have, s, part);
		have = toolong ? 0 : have + part;
		net_consume(n, part + (lf ? 1 : 0));
		if (lf)
			break;
	}
	if (!toolong && have && line[have - 1] == '\r')
		have--;
	if (toolong || have >= max)
		return NET_LONG;
	line[have] = 0;
	*len = have;
	return NET_LINE;
}


#include "lib/net.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <skalibs/iopause.h>

#include "lib/memory.h"
#include "lib/sa.h"

#define LAST_SECONDS 5 /* to take what a program says when it must end at once */

void
net_init(struct net *n, int fd_in, int fd_out)
{
	memset(n, 0, offsetof(struct net, in));
	n->fd_in = fd_in;
	n->fd_out = fd_out;
	n->deadline = tain_infinite;
	tain_now_set_stopwatch_g();
	ndelay_on(fd_in);
	if (fd_out != fd_in)
		ndelay_on(fd_out);
}

void
net_release(struct net *n)
{
	ndelay_off(n->fd_in);
	if (n->fd_out != n->fd_in)
		ndelay_off(n->fd_out);
}

void
net_deadline(struct net *n, unsigned int seconds)
{
	tain_now_g();
	tain_addsec_g(&n->deadline, (int)seconds);
}

void
net_deadline_before(struct net *n, unsigned int seconds, tain const *latest)
{
	net_deadline(n, seconds);
	if (tain_less(latest, &n->deadline))
		n->deadline = *latest;
}

/* Waits for one event on fd until then: 0, or -1 with ETIMEDOUT or poll's errno. */
static int
pause_for(int fd, short events, tain const *until)
{
	iopause_fd x = {.fd = fd, .events = events};
	int r;
	do
		r = iopause_g(&x, 1, until);
	while (r < 0 && errno == EINTR);
	if (!r)
		errno = ETIMEDOUT;
	return r > 0 ? 0 : -1;
}

/* Until the peer takes more. A deadline that grows with what is sent is for slow peers, not for one
 * that takes nothing. */
static int
pause_for_room(struct net *n)
{
	tain until;
	if (!n->stall)
		return pause_for(n->fd_out, IOPAUSE_WRITE, &n->deadline);
	tain_now_g();
	tain_addsec_g(&until, (int)n->stall);
	return pause_for(
	    n->fd_out, IOPAUSE_WRITE, tain_less(&until, &n->deadline) ? &until : &n->deadline);
}

int
net_send(struct net *n, char const *s, size_t len)
{
	while (len) {
		ssize_t w = write(n->fd_out, s, len);
		if (w >= 0) {
			s += w;
			len -= (size_t)w;
		} else if (errno == EAGAIN) {
			if (pause_for_room(n) < 0)
				return -1;
		} else if (errno != EINTR)
			return -1;
	}
	return 0;
}

static int
send_layered(struct net *n, char const *s, size_t len, int all)
{
	if (!n->layer)
		return net_send(n, s, len);
	n->held = !all;
	return n->layer->write(n, s, len, all);
}

/* Empties the buffer; all: a layer holds nothing back either. */
static int
drain(struct net *n, int all)
{
	if (!n->werr && (n->out_len || (all && n->held))) {
		if (n->trace)
			n->trace(1, n->out, n->out_len);
		if (send_layered(n, n->out, n->out_len, all) < 0)
			n->werr = errno;
		n->whole = n->whole == n->out_len ? 0 : NET_TORN;
		n->out_len = 0;
	}
	if (!n->werr)
		return 0;
	errno = n->werr;
	return -1;
}

int
net_flush(struct net *n)
{
	return drain(n, 1);
}

int
net_put_slow(struct net *n, char const *s, size_t len)
{
	while (len && !n->werr) {
		size_t room = NET_OUTSIZE - n->out_len;
		size_t part = len < room ? len : room;
		memcpy(n->out + n->out_len, s, part);
		n->out_len += part;
		s += part;
		len -= part;
		if (n->out_len == NET_OUTSIZE)
			drain(n, 0);
	}
	return n->werr ? -1 : 0;
}

static char const pairs[] = "00010203040506070809101112131415161718192021222324"
			    "25262728293031323334353637383940414243444546474849"
			    "50515253545556575859606162636465666768697071727374"
			    "75767778798081828384858687888990919293949596979899";

#define DIGITS 10 /* of the largest number of 32 bits */

int
net_put_number(struct net *n, char before, uint32_t number)
{
	if (NET_OUTSIZE - n->out_len <= DIGITS || n->werr) {
		net_put(n, &before, 1);
		return net_putnum(n, number);
	}
	/* All digits, and then without the zeros in front: as many octets each time. */
	char all[2 * DIGITS] = {0};
	uint32_t left = number;
	for (unsigned int k = DIGITS; k; k -= 2, left /= 100)
		memcpy(all + k - 2, pairs + left % 100 * 2, 2);
	unsigned int const digits = 1u + (number > 9) + (number > 99) + (number > 999) +
				    (number > 9999) + (number > 99999) + (number > 999999) +
				    (number > 9999999) + (number > 99999999) + (number > 999999999);
	char *const to = n->out + n->out_len;
	to[0] = before;
	memcpy(to + 1, all + DIGITS - digits, DIGITS);
	n->out_len += digits + 1;
	return 0;
}

int
net_putnum(struct net *n, uint64_t number)
{
	char digits[20], *p = digits + sizeof digits;
	for (; number >= 10; number /= 100) {
		p -= 2;
		memcpy(p, pairs + number % 100 * 2, 2);
	}
	/* A pair that begins with 0 was the last. */
	if (number || p == digits + sizeof digits)
		*--p = (char)('0' + number);
	return net_put(n, p, (size_t)(digits + sizeof digits - p));
}

char *
net_space(struct net *n, size_t least, size_t *room)
{
	/* After an error what is written is dropped, as everywhere. */
	if (NET_OUTSIZE - n->out_len < least || n->werr)
		drain(n, 0);
	if (n->werr)
		n->out_len = 0;
	*room = NET_OUTSIZE - n->out_len;
	return n->out + n->out_len;
}

void
net_last(struct net *n, char const *s, size_t len)
{
	if (n->whole == NET_TORN || n->werr)
		return;
	tain_addsec_g(&n->deadline, LAST_SECONDS);
	if (!send_layered(n, n->out, n->whole, 0))
		(void)send_layered(n, s, len, 1);
}

void
net_rest(struct net *n)
{
	if (n->layer && !n->out_len && !n->held)
		n->layer->rest(n);
	if (!n->out_len)
		memory_rest(n->out, sizeof n->out);
	if (n->in_start == n->in_end)
		memory_rest(n->in, sizeof n->in);
}

int
net_putf(struct net *n, char const *fmt, ...)
{
	char small[1024];
	va_list ap;
	va_start(ap, fmt);
	int len = vsnprintf(small, sizeof small, fmt, ap);
	va_end(ap);
	if (len < 0)
		return -1;
	if ((size_t)len < sizeof small)
		return net_put(n, small, (size_t)len);
	char *big = xmalloc((size_t)len + 1);
	va_start(ap, fmt);
	vsnprintf(big, (size_t)len + 1, fmt, ap);
	va_end(ap);
	int r = net_put(n, big, (size_t)len);
	free(big);
	return r;
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
		ssize_t r = n->layer ? n->layer->read(n, buf, max) : read(n->fd_in, buf, max);
		if (r >= 0) {
			if (n->trace && r)
				n->trace(0, buf, (size_t)r);
			return r;
		}
		if (errno == EAGAIN) {
			if (pause_for(n->fd_in, IOPAUSE_READ, &n->deadline) < 0)
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

/* The descriptor is readable: is there anything for us in it? */
static int
is_input(struct net *n)
{
	if (!n->layer)
		return 1;
	n->in_start = n->in_end = 0;
	ssize_t r = n->layer->read(n, n->in, NET_INSIZE);
	n->in_end = r > 0 ? (size_t)r : 0;
	return r >= 0 || errno != EAGAIN;
}

int
net_wait_any(struct net *n, int const *fd, unsigned int count)
{
	iopause_fd x[1 + NET_EXTRA] = {{.fd = n->fd_in, .events = IOPAUSE_READ}};
	unsigned int used = 1, which[1 + NET_EXTRA];
	if (net_flush(n) < 0)
		return -1;
	if (net_buffered(n))
		return 1;
	for (unsigned int k = 0; k < count && k < NET_EXTRA; k++)
		if (fd[k] >= 0) {
			which[used] = k;
			x[used++] = (iopause_fd){.fd = fd[k], .events = IOPAUSE_READ};
		}
	for (;;) {
		int r = iopause_g(x, used, &n->deadline);
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return r;
		if (x[0].revents && is_input(n))
			return 1;
		for (unsigned int k = 1; k < used; k++)
			if (x[k].revents)
				return 2 + (int)which[k];
	}
}

int
net_wait(struct net *n, int fd_extra)
{
	return net_wait_any(n, &fd_extra, 1);
}

ssize_t
net_read_before(int fd, char *buf, size_t max, tain const *deadline)
{
	iopause_fd x = {.fd = fd, .events = IOPAUSE_READ};
	for (;;) {
		int r = iopause_g(&x, 1, deadline);
		if (!r) {
			errno = ETIMEDOUT;
			return -1;
		}
		ssize_t n = r > 0 ? read(fd, buf, max) : -1;
		if (n >= 0 || (errno != EINTR && errno != EAGAIN))
			return n;
	}
}

void
net_finish(struct net *n, unsigned int seconds)
{
	char drop[4096];
	net_deadline(n, seconds);
	if (!net_flush(n)) {
		/* Half-closing tells the TLS engine (or the peer) that this is all; it must not see
		 * both pipe ends vanish at once. */
		if (shutdown(n->fd_out, SHUT_WR) < 0 && n->fd_out != n->fd_in) {
			close(n->fd_out);
			n->fd_out = -1;
		}
		net_discard(n);
		while (read_some(n, drop, sizeof drop) > 0)
			;
	}
	if (n->fd_out >= 0 && n->fd_out != n->fd_in)
		close(n->fd_out);
	close(n->fd_in);
	n->fd_in = n->fd_out = -1;
}

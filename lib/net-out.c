#include "lib/net.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <skalibs/iopause.h>

#include "lib/sa.h"

#define LAST_SECONDS 5 /* to take what a program says when it must end at once */

/* Until the peer takes more. A deadline that grows with what is sent is for slow peers, not for one
 * that takes nothing. */
static int
pause_for_room(struct net *n)
{
	tain until;
	if (!n->stall)
		return net_pause(n->fd_out, IOPAUSE_WRITE, &n->deadline);
	tain_now_g();
	tain_addsec_g(&until, (int)n->stall);
	return net_pause(
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


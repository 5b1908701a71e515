#include "bin/tls-relay.h"

#include <errno.h>
#include <malloc.h>
#include <string.h>
#include <sys/socket.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <skalibs/iopause.h>

#include "bin/tls-certs.h"
#include "lib/skalibs-compat.h"

#define BUFFER 16384 /* a TLS record */

/* One direction. eof: its source has ended; what is buffered still goes out. */
struct flow {
	char *buf; /* BUFFER bytes */
	size_t start, end;
	int eof;
};

struct relay {
	SSL *ssl;
	int from_app, to_app; /* -1 once closed */
	struct flow in, out;
	int close_sent;	     /* our close_notify is out */
	int net_dead;	     /* nothing can be sent or received any more */
	int ended_badly;     /* the peer's end was an error under strict_eof */
	int closing, shut;   /* the application is gone; all of it is sent */
	int app_gone;	     /* it has hung up; what it said last may not have been read */
	tain deadline, rest; /* rest: no short connection any more; infinite once that is known */
	/* What would only wait, until poll says otherwise. */
	int net_read, net_write, app_read, app_write;
	int progress;
};

static int
is_empty(struct flow const *f)
{
	return f->start == f->end;
}

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Passwords and mail go through here; none stays. */
static void
sent(struct flow *f, size_t n)
{
	OPENSSL_cleanse(f->buf + f->start, n);
	f->start += n;
}

/* The network is gone for good: what is decrypted already still reaches the application. */
static void
net_is_dead(struct relay *r)
{
	r->net_dead = 1;
	r->in.eof = 1;
	r->close_sent = 1;
	r->out.eof = 1;
	r->out.start = r->out.end = 0;
	/* The application's next write fails, as on a dead socket. */
	close_fd(&r->from_app);
}

/* What an SSL call that did nothing wants. */
static void
want(struct relay *r, int result, int reading)
{
	switch (SSL_get_error(r->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		r->net_read = 1;
		break;
	case SSL_ERROR_WANT_WRITE:
		r->net_write = 1;
		break;
	case SSL_ERROR_ZERO_RETURN:
		if (reading) {
			r->in.eof = 1;
			r->progress = 1;
			break;
		}
		/* fall through */
	default:
		if (reading && !r->in.eof)
			r->ended_badly = 1;
		ERR_clear_error();
		net_is_dead(r);
		r->progress = 1;
	}
}

/* Network to buffer. Runs even when the application reads no more: alerts, key updates and the
 * peer's end must be seen; then the data is dropped. */
static void
read_net(struct relay *r)
{
	struct flow *f = &r->in;
	if (f->eof || r->net_dead || r->net_read || !is_empty(f))
		return;
	ERR_clear_error();
	int n = SSL_read(r->ssl, f->buf, BUFFER);
	if (n <= 0) {
		want(r, n, 1);
		return;
	}
	r->progress = 1;
	r->net_read = n < BUFFER && !SSL_has_pending(r->ssl);
	f->start = 0;
	f->end = (size_t)n;
	if (r->to_app < 0)
		sent(f, f->end);
}

static void
write_app(struct relay *r)
{
	struct flow *f = &r->in;
	if (r->to_app < 0 || r->app_write)
		return;
	if (!is_empty(f)) {
		ssize_t n = write(r->to_app, f->buf + f->start, f->end - f->start);
		if (n > 0) {
			sent(f, (size_t)n);
			r->progress = 1;
		} else if (errno == EAGAIN)
			r->app_write = 1;
		else if (errno != EINTR) {
			sent(f, f->end - f->start);
			close_fd(&r->to_app);
			r->progress = 1;
		}
	}
	/* Everything first, then the end of file. */
	if (f->eof && is_empty(f) && r->to_app >= 0)
		close_fd(&r->to_app);
}

static void
read_app(struct relay *r)
{
	struct flow *f = &r->out;
	if (f->eof || r->app_read || !is_empty(f))
		return;
	ssize_t n = read(r->from_app, f->buf, BUFFER);
	if (n > 0) {
		f->start = 0;
		f->end = (size_t)n;
		r->app_read = n < BUFFER;
		r->progress = 1;
	} else if (n < 0 && errno == EAGAIN)
		r->app_read = 1;
	else if (n == 0 || errno != EINTR) {
		f->eof = 1;
		close_fd(&r->from_app);
		r->progress = 1;
	}
}

static void
write_net(struct relay *r)
{
	struct flow *f = &r->out;
	int n;
	if (r->net_dead || r->net_write)
		return;
	if (!is_empty(f)) {
		ERR_clear_error();
		n = SSL_write(r->ssl, f->buf + f->start, (int)(f->end - f->start));
		if (n <= 0) {
			want(r, n, 0);
			return;
		}
		sent(f, (size_t)n);
		r->progress = 1;
	}
	if (!f->eof || !is_empty(f) || r->close_sent)
		return;
	/* RFC 8446 6.1: our end, which also answers the peer's. */
	ERR_clear_error();
	n = SSL_shutdown(r->ssl);
	if (n < 0) {
		want(r, n, 0);
		return;
	}
	r->close_sent = 1;
	r->progress = 1;
}

/* Nothing more can happen, or nothing more may be waited for. */
static int
is_over(struct relay *r)
{
	if (r->net_dead)
		return r->to_app < 0;
	return r->close_sent && r->in.eof && r->to_app < 0;
}

/* Once the application has neither end open, but for what it said last, only the
 * peer can keep us: not for ever, even if it keeps sending. 0 when its time is over. */
static int
keep_deadline(struct relay *r)
{
	if (r->to_app >= 0 || (r->from_app >= 0 && !r->app_gone))
		return 1;
	tain_now_g();
	if (!r->closing) {
		r->closing = 1;
		tain_addsec_g(&r->deadline, TLS_FLUSH_SECONDS);
	}
	if (r->close_sent && !r->shut) {
		r->shut = 1;
		shutdown(SSL_get_wfd(r->ssl), SHUT_WR);
		tain_addsec_g(&r->deadline, TLS_CLOSE_SECONDS);
	}
	return tain_future(&r->deadline);
}

/* The handshake's memory is free by now, but still this process's, and it may wait for hours. For a
 * connection that is over at once it is not worth its while. */
static void
give_back_memory(struct relay *r)
{
	if (tain_future(&r->rest))
		return;
	r->rest = tain_infinite;
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}

struct wait {
	iopause_fd x[5];
	int *flag[5]; /* cleared when there is something */
	unsigned int n;
};

static void
add_fd(struct wait *w, int fd, int events, int *flag)
{
	if (fd < 0)
		return;
	w->x[w->n] = (iopause_fd){.fd = fd, .events = (short)events};
	w->flag[w->n++] = flag;
}

/* Waits for what the last round found missing, or the deadline. */
static void
wait_for_more(struct relay *r)
{
	struct wait w = {.n = 0};
	tain const *until = tain_less(&r->rest, &r->deadline) ? &r->rest : &r->deadline;
	add_fd(&w, r->net_read ? SSL_get_rfd(r->ssl) : -1, IOPAUSE_READ, &r->net_read);
	add_fd(&w, r->net_write ? SSL_get_wfd(r->ssl) : -1, IOPAUSE_WRITE, &r->net_write);
	add_fd(&w, r->app_read ? r->from_app : -1, IOPAUSE_READ, &r->app_read);
	unsigned int const to_app = w.n;
	/* Even with nothing to write: that the application has gone shows here. */
	add_fd(&w, r->to_app, r->app_write ? IOPAUSE_WRITE : 0, &r->app_write);
	/* While the peer takes nothing, nothing is read that would show it. */
	unsigned int const from_app = w.n;
	int more = 1;
	add_fd(&w, r->app_read || r->app_gone ? -1 : r->from_app, 0, &more);
	int got = iopause_g(w.x, w.n, until);
	give_back_memory(r);
	if (got <= 0)
		return;
	for (unsigned int i = 0; i < w.n; i++)
		if (w.x[i].revents)
			*w.flag[i] = 0;
	r->app_gone |= from_app < w.n && !more;
	if (to_app < from_app && w.x[to_app].revents & (POLLERR | POLLNVAL)) {
		sent(&r->in, r->in.end - r->in.start);
		close_fd(&r->to_app);
	}
}

char const *
tls_relay(SSL *ssl, int from_app, int to_app, int strict_eof)
{
	/* Untouched pages of these cost nothing: most connections never fill one. */
	static char buffers[2][BUFFER];
	struct relay r = {.ssl = ssl,
	    .from_app = from_app,
	    .to_app = to_app,
	    .in.buf = buffers[0],
	    .out.buf = buffers[1],
	    .deadline = TAIN_INFINITE};
	ndelay_on(from_app);
	ndelay_on(to_app);
	tain_addsec_g(&r.rest, TLS_REST_SECONDS);
	for (;;) {
		r.progress = 0;
		read_net(&r);
		write_app(&r);
		read_app(&r);
		write_net(&r);
		if (is_over(&r))
			break;
		if (!keep_deadline(&r))
			return r.close_sent ? 0 : "the peer did not take the rest";
		if (!r.progress)
			wait_for_more(&r);
	}
	return r.ended_badly && strict_eof ? "the peer ended without close_notify" : 0;
}

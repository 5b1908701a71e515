/* One connection: buffered input with limits, buffered output, one absolute deadline.
 *
 * The only place that reads the network flushes the output first, so handlers never flush. The
 * descriptors are made non-blocking at net_init; net_release makes them blocking again, before they
 * are handed to another program. Every wait ends at the deadline in force (net_deadline): errno
 * ETIMEDOUT. A write error is remembered: net_flush reports it, later writes do nothing. */
#ifndef POSTERN_NET_H
#define POSTERN_NET_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#include "lib/skalibs-compat.h"

#define NET_INSIZE 16384
#define NET_OUTSIZE 65536
#define NET_TORN SIZE_MAX

/* What may stand between the buffers and the descriptors, as compression does. */
struct net;
struct net_layer {
	/* Sends len octets by net_send; all: nothing is held back. 0 or -1. */
	int (*write)(struct net *n, char const *s, size_t len, int all);
	/* As read(2): EAGAIN also where what was read stands for nothing yet. */
	ssize_t (*read)(struct net *n, char *buf, size_t max);
	/* 1: read has something to give without waiting. */
	int (*pending)(struct net const *n);
	/* All was sent: gives back memory that the next write can make anew. */
	void (*rest)(struct net *n);
};

struct net {
	int fd_in, fd_out;
	tain deadline;
	unsigned int stall; /* seconds that a peer may take nothing of what is sent; 0: see deadline */
	size_t in_start, in_end; /* unread input is in[in_start..in_end) */
	size_t out_len;
	size_t whole; /* out[0..whole) ends a response; NET_TORN: a part of one is sent already */
	int werr;     /* errno of the first failed write, 0 if none */
	struct net_layer *layer; /* null: none */
	int held;		 /* the layer holds something back */
	int secret;		 /* set where passwords come in: input is wiped as it is consumed */
	/* Null, or where the last descriptor that came along goes (-1: none); one that was not
	 * taken is closed for the next. Only of a Unix socket without a layer. */
	int *passed;
	/* If not null, every byte that crosses: debugging and transcripts. */
	void (*trace)(int out, char const *s, size_t n);
	char in[NET_INSIZE];
	char out[NET_OUTSIZE];
};

/* Prepares n over two descriptors, which may be the same; infinite deadline. Starts the monotonic
 * clock. */
void net_init(struct net *n, int fd_in, int fd_out);
/* Makes the descriptors blocking again; buffered input stays readable with net_peek. */
void net_release(struct net *n);

/* All that follows must end within this many seconds from now. */
void net_deadline(struct net *n, unsigned int seconds);
/* The deadline is `seconds` from now, but no later than `latest`. */
void net_deadline_before(struct net *n, unsigned int seconds, tain const *latest);

/* Reads one line into line[0..max), without its LF or CR LF and with a NUL behind it (so max counts
 * the NUL). *len gets its length; it may contain NULs.
 * Returns NET_LINE, NET_EOF (a partial line is dropped), NET_LONG (the line was longer than max-1;
 * all of it has been read and dropped, so the next call reads the next line), NET_ERROR (errno,
 * ETIMEDOUT at the deadline; a line too long whose end has not come by the deadline ends here too).
 */
enum net_line { NET_ERROR = -1, NET_EOF = 0, NET_LINE = 1, NET_LONG = 2 };
enum net_line net_getline(struct net *n, char *line, size_t max, size_t *len);

/* At least one and at most max bytes into buf. Bytes read, 0 at end of file, -1 on error. */
ssize_t net_read(struct net *n, char *buf, size_t max);
/* Exactly len bytes into buf. 1, 0 at end of file, -1 on error. */
int net_readall(struct net *n, char *buf, size_t len);

/* Makes at least one byte available and points *s at what is buffered; net_consume says how much of
 * it was used. Bytes available, 0 at end of file, -1 on error. Zero copies: the data path. */
ssize_t net_fill(struct net *n, char **s);
/* Takes what input is there, without waiting and before anything is sent: who has been spoken to
 * already answers with what it had to say first. Errors and the end show when it is read. */
void net_glance(struct net *n);
/* What is buffered now, without reading. May be 0. */
size_t net_peek(struct net *n, char **s);
void net_consume(struct net *n, size_t used);
/* Drops buffered input (what came in clear before TLS began); returns how much there was. */
size_t net_discard(struct net *n);

/* Waits until input is there or the deadline or fd_extra (-1: none) is readable; flushes first.
 * 1 input (or end of file) on the connection, 2 fd_extra, 0 deadline, -1 error. For IDLE. */
int net_wait(struct net *n, int fd_extra);
/* The same for up to NET_EXTRA further descriptors (-1: none there): 2 + k for fd[k]. */
#define NET_EXTRA 6
int net_wait_any(struct net *n, int const *fd, unsigned int count);

/* Appends to the output; sends when the buffer is full. Returns 0, or -1 after a write error. */
int net_put_slow(struct net *n, char const *s, size_t len);
static inline int
net_put(struct net *n, char const *s, size_t len)
{
	if (len > NET_OUTSIZE - n->out_len || n->werr)
		return net_put_slow(n, s, len);
	memcpy(n->out + n->out_len, s, len);
	n->out_len += len;
	return 0;
}
static inline int
net_puts(struct net *n, char const *s)
{
	return net_put(n, s, strlen(s));
}
/* In decimal. */
int net_putnum(struct net *n, uint64_t number);
/* The same behind a character: for long lists. */
int net_put_number(struct net *n, char before, uint32_t number);
/* Where the next octets go, for those who write them there themselves: *room is `least` or more, of
 * NET_OUTSIZE, and net_wrote says how many they were. */
char *net_space(struct net *n, size_t least, size_t *room);
static inline void
net_wrote(struct net *n, size_t len)
{
	n->out_len += len;
}
int net_putf(struct net *n, char const *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Sends everything. 0 or -1 (errno). */
int net_flush(struct net *n);
/* The same, and a descriptor goes along with the first of it: over a Unix socket without a layer.
 */
int net_pass(struct net *n, int fd);
/* What net_read and its like do where n->passed is set: as recv(2). */
ssize_t net_receive(struct net *n, char *buf, size_t max);
/* For layers: these octets, now. 0 or -1. */
int net_send(struct net *n, char const *s, size_t len);
/* Has input been read, from the descriptor at least, that was not consumed? */
int net_buffered(struct net const *n);
/* What was put so far ends a response: a line, and no literal or multi-line text goes on. */
static inline void
net_whole(struct net *n)
{
	n->whole = n->out_len;
}
/* For signal handlers, before the end: sends the whole responses that are buffered and this one
 * behind them; nothing if a part of one is sent already, as the text would be taken for its rest.
 */
void net_last(struct net *n, char const *s, size_t len);
/* Gives the memory of buffers that are empty back to the system. */
void net_rest(struct net *n);

/* Waits until fd has one of the events (poll's), or the deadline. 0, or -1 (ETIMEDOUT; poll's
 * errno). */
int net_pause(int fd, short events, tain const *deadline);

/* Of a descriptor that is no connection (a socketpair to another process): waits and reads once.
 * Bytes, 0 at end of file, -1 (ETIMEDOUT at the deadline). */
ssize_t net_read_before(int fd, char *buf, size_t max, tain const *deadline);

/* The orderly end, once per connection: flush, close the writing side, and read until the peer ends
 * or `seconds` pass, so that a TLS engine behind a pipe has sent everything.
 * fd_in and fd_out are closed afterwards. */
void net_finish(struct net *n, unsigned int seconds);

#endif

#include "imap/compress.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

#include "imap/commands.h"
#include "imap/reply.h"
#include "lib/sa.h"

/* What is sent: 1 << (bits + 2) and 1 << (memory + 9) octets, 128 KiB together, which go when the
 * session idles. What is read may use the largest window, 32 KiB, and that stays. */
#define WINDOW_BITS (-14) /* negative: raw deflate (RFC 4978 section 4) */
#define MEMORY 7
#define LEVEL 3
#define READ_BITS (-15)
#define PIECE 4096

struct compress {
	struct net_layer layer;
	z_stream out, in;
	int out_ready; /* out has its memory */
	int more;      /* in has given all that there was room for: there may be more */
	int ended;     /* the client's stream has */
	unsigned char from[PIECE], to[PIECE];
};

/* ---- sending ----------------------------------------------------------------------------------
 */

/* A stream may begin anew wherever the one before was flushed: it refers to nothing before it. */
static void
ready(struct compress *c)
{
	if (c->out_ready)
		return;
	memset(&c->out, 0, sizeof c->out);
	if (deflateInit2(&c->out, LEVEL, Z_DEFLATED, WINDOW_BITS, MEMORY, Z_DEFAULT_STRATEGY) !=
	    Z_OK)
		sa_nomem();
	c->out_ready = 1;
}

static int
layer_write(struct net *n, char const *s, size_t len, int all)
{
	struct compress *c = (struct compress *)n->layer;
	ready(c);
	c->out.next_in = (unsigned char *)s;
	c->out.avail_in = (unsigned int)len;
	do {
		c->out.next_out = c->to;
		c->out.avail_out = sizeof c->to;
		deflate(&c->out, all ? Z_SYNC_FLUSH : Z_NO_FLUSH);
		if (net_send(n, (char const *)c->to, sizeof c->to - c->out.avail_out) < 0)
			return -1;
	} while (!c->out.avail_out);
	return 0;
}

static void
layer_rest(struct net *n)
{
	struct compress *c = (struct compress *)n->layer;
	if (c->out_ready)
		deflateEnd(&c->out);
	c->out_ready = 0;
}

/* ---- reading ----------------------------------------------------------------------------------
 */

static int
layer_pending(struct net const *n)
{
	struct compress const *c = (struct compress const *)n->layer;
	return c->ended || c->more || c->in.avail_in;
}

/* However much the input stands for, no more than max octets come of it at once. */
static ssize_t
layer_read(struct net *n, char *buf, size_t max)
{
	struct compress *c = (struct compress *)n->layer;
	if (c->ended)
		return 0;
	if (!layer_pending(n)) {
		ssize_t r = read(n->fd_in, c->from, sizeof c->from);
		if (r <= 0)
			return r;
		c->in.next_in = c->from;
		c->in.avail_in = (unsigned int)r;
	}
	c->in.next_out = (unsigned char *)buf;
	c->in.avail_out = (unsigned int)max;
	int z = inflate(&c->in, Z_SYNC_FLUSH);
	size_t const got = max - c->in.avail_out;
	c->more = !c->in.avail_out;
	c->ended = z == Z_STREAM_END;
	if (z == Z_MEM_ERROR)
		sa_nomem();
	if (got || c->ended)
		return (ssize_t)got;
	errno = z == Z_OK || z == Z_BUF_ERROR ? EAGAIN : EPROTO;
	return -1;
}

/* ---- the command ------------------------------------------------------------------------------
 */

void
compress_start(struct net *n)
{
	struct compress *c = xmalloc(sizeof *c);
	memset(c, 0, sizeof *c);
	c->layer = (struct net_layer){layer_write, layer_read, layer_pending, layer_rest};
	if (inflateInit2(&c->in, READ_BITS) != Z_OK)
		sa_nomem();
	n->layer = &c->layer;
}

void
compress_end(struct net *n)
{
	struct compress *c = (struct compress *)n->layer;
	if (!c)
		return;
	layer_rest(n);
	inflateEnd(&c->in);
	free(c);
	n->layer = 0;
}

/* RFC 4978 section 3. The loop begins once the OK is sent. */
char const *
cmd_compress(struct session *s, struct parse *p)
{
	char *early;
	char const *tls = getenv("SSL_COMPRESS_METHOD"); /* as Apache and others name it */
	if (!parse_sp(p) || !parse_take_word(p, "DEFLATE") || !parse_end(p))
		return BAD;
	if (s->net.layer)
		return parse_fail(p, "[COMPRESSIONACTIVE] DEFLATE is active already"), BAD;
	if (tls && *tls && strcmp(tls, "NULL") != 0)
		return REPLY_COMPRESSED;
	/* What the client sends before it has the answer would be taken for the wrong thing. */
	if (net_peek(&s->net, &early))
		return parse_fail(p, "Nothing may follow before the answer"), BAD;
	s->compress = 1;
	return DONE;
}

#include "imap/fetch-binary.h"

#include <string.h>

#include "imap/limits.h"
#include "lib/charset.h"
#include "lib/sa.h"
#include "lib/wire.h"

/* A walk over what the part decodes to, piece by piece. */
struct decoder {
	struct wire_cursor wire;
	struct cte_stream stream;
	stralloc out;
	char in[8192];
};

/* The part: its body, as it is encoded. Only a leaf is (RFC 9051 6.4.5); the message as a whole and
 * what is made of parts are given as they are. Null if there is none. */
static struct mime_part const *
find(struct fetch_item const *it, struct hand *h, enum cte *cte, size_t *from)
{
	struct imap_section const *sec = &it->section;
	struct mime_part const *root = sec->depth ? hand_parts(h) : hand_whole(h);
	struct mime_part const *p = root ? imap_part(root, sec->path, sec->depth) : 0;
	*cte = CTE_IDENTITY;
	if (!p)
		return 0;
	*from = sec->depth ? p->body : p->header;
	if (sec->depth && p->kind == MIME_LEAF)
		*cte = cte_by_name(mime_encoding(&h->arena, p));
	return p;
}

int
binary_known(struct fetch_item const *it, struct hand *h)
{
	enum cte cte;
	size_t from;
	if (!(it->section.depth ? hand_parts(h) : hand_whole(h)))
		return -1;
	return !find(it, h, &cte, &from) || cte != CTE_UNKNOWN;
}

/* 0: there is no such part. Text is decoded from its wire form, so that its line ends are CR LF
 * (RFC 3516 section 6). */
static int
start(struct decoder *d, struct fetch_item const *it, struct hand *h)
{
	enum cte cte;
	size_t from;
	struct mime_part const *p = find(it, h, &cte, &from);
	if (!p)
		return 0;
	d->out = (stralloc)STRALLOC_ZERO;
	cte_start(&d->stream, cte);
	wire_start(&d->wire, h->s + from, p->end - from);
	return 1;
}

/* The next octets, in d->out; 0 at the end. */
static int
next(struct decoder *d)
{
	d->out.len = 0;
	while (!d->out.len) {
		size_t const n = wire_read(&d->wire, d->in, sizeof d->in);
		cte_feed(&d->stream, &d->out, d->in, n, !n);
		if (!n)
			return d->out.len > 0;
	}
	return 1;
}

/* Octets in all, and whether NUL is among them. */
static uint64_t
measure(struct decoder *d, int *nul)
{
	uint64_t size = 0;
	for (*nul = 0; next(d); size += d->out.len)
		*nul |= memchr(d->out.s, 0, d->out.len) != 0;
	return size;
}

uint64_t
binary_size(struct fetch_item const *it, struct hand *h)
{
	struct decoder d;
	int nul;
	if (!start(&d, it, h))
		return 0;
	uint64_t const size = measure(&d, &nul);
	stralloc_free(&d.out);
	return size;
}

/* Octets [from, from + left) of what is decoded. */
static void
put_octets(struct session *s, struct decoder *d, uint64_t from, uint64_t left)
{
	net_deadline(&s->net, s->write_seconds + (unsigned int)(left / SLOWEST_RATE));
	while (left && next(d)) {
		size_t const skip = from < d->out.len ? (size_t)from : d->out.len;
		size_t const n = left < d->out.len - skip ? (size_t)left : d->out.len - skip;
		net_put(&s->net, d->out.s + skip, n);
		from -= skip;
		left -= n;
	}
	/* Changed in place while it was read: what was promised cannot be given. */
	if (left)
		s->ended = 1;
}

void
binary_put(struct session *s, struct fetch_item const *it, struct hand *h)
{
	struct decoder d;
	int nul;
	if (!start(&d, it, h)) {
		net_put(&s->net, "NIL", 3);
		return;
	}
	uint64_t left = measure(&d, &nul);
	uint64_t const from = it->from < left ? it->from : left;
	left -= from;
	if (it->partial && it->count < left)
		left = it->count;
	net_put(&s->net, "~{", 2 * (size_t)nul);
	net_put(&s->net, "{", !nul);
	net_putnum(&s->net, left);
	net_put(&s->net, "}\r\n", 3);
	stralloc_free(&d.out);
	start(&d, it, h);
	put_octets(s, &d, from, left);
	stralloc_free(&d.out);
}

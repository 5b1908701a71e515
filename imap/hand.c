#include "imap/hand.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "imap/ahead.h"
#include "lib/imap-text.h"
#include "lib/pread-all.h"
#include "lib/sa.h"

#define HAND_ALIGNED                                                                               \
	64 /* octets: a processor's lines of cache, which its widest loads then fit into */

static int
is_open(struct hand const *h)
{
	return h->fd >= 0 || h->s;
}

void
hand_take(struct hand *h, struct folder *f, uint32_t i)
{
	if (h->folder == f && h->i == i && is_open(h))
		return;
	if (is_open(h) || h->tried)
		hand_drop(h);
	h->asked = 0;
	h->folder = f;
	h->i = i;
}

void
hand_drop(struct hand *h)
{
	if (h->mapped)
		munmap(h->s, h->size);
	if (h->folder && h->fd >= 0)
		close(h->fd);
	arena_reset(&h->arena);
	h->made.has = h->tried = 0;
	h->asked = 0;
	h->folder = 0;
	h->fd = -1;
	h->s = 0;
	h->n = h->size = 0;
	h->mapped = 0;
	h->parts = 0;
}

void
hand_free(struct hand *h)
{
	hand_drop(h);
	arena_free(&h->arena);
	stralloc_free(&h->longer);
	free(h->buf);
	h->buf = 0;
}

static char *
buffer(struct hand *h)
{
	if (!h->buf && !(h->buf = aligned_alloc(HAND_ALIGNED, HAND_READ)))
		sa_nomem();
	return h->buf;
}

/* The message is in memory, or its first octets are: header and body are not told apart yet. */
static void
set_octets(struct hand *h, char *s, size_t n)
{
	h->s = s;
	h->n = n;
	h->top = (struct mime_part){.end = h->size};
	h->told = 0;
}

static struct mime_part const *
top(struct hand *h)
{
	if (!h->told)
		h->top.body = header_len(h->s, h->n);
	h->told = 1;
	return &h->top;
}

/* All of a file of fewer than `most` octets that is as the folder knows it: 1. A read that gives so
 * many, and had room for more, shows that they are the whole and that it is a file. */
static int
read_known(struct hand *h, uint64_t size, size_t most)
{
	ssize_t r;
	if (!size || size >= most)
		return 0;
	do
		r = pread(h->fd, buffer(h), most, 0);
	while (r < 0 && errno == EINTR);
	if (r < 0 || (uint64_t)r != size)
		return 0;
	h->size = (size_t)size;
	set_octets(h, h->buf, h->size);
	return 1;
}

static int
take_ahead(struct hand *h)
{
	size_t size;
	char *const s = h->ahead ? ahead_take(h->ahead, h->i, &size) : 0;
	if (!s)
		return 0;
	h->size = size;
	set_octets(h, s, size);
	return 1;
}

/* Opened, and a small one read. */
static int
open_file(struct hand *h, size_t most)
{
	uint64_t size;
	if (is_open(h) || take_ahead(h))
		return 0;
	h->fd = folder_open_known(h->folder, h->i, &size);
	if (h->fd < 0)
		return -1;
	if (read_known(h, size, most))
		return 0;
	if (folder_stat_opened(h->folder, h->i, h->fd, &size) < 0) {
		int const e = errno;
		close(h->fd);
		h->fd = -1;
		errno = e;
		return -1;
	}
	h->size = (size_t)size;
	return 0;
}

/* The file's first octets, at most so many. */
static int
read_start(struct hand *h, size_t most)
{
	size_t const want = h->size < most ? h->size : most;
	ssize_t const n = pread_all(h->fd, buffer(h), want, 0);
	if (n < 0)
		return -1;
	if ((size_t)n < want)
		h->size = (size_t)n; /* shortened meanwhile */
	set_octets(h, buffer(h), (size_t)n);
	return 0;
}

static int
map_all(struct hand *h)
{
	char *s = mmap(0, h->size, PROT_READ, MAP_PRIVATE, h->fd, 0);
	if (s == MAP_FAILED)
		return -1;
	madvise(s, h->size, MADV_SEQUENTIAL);
	set_octets(h, s, h->size);
	h->mapped = 1;
	return 0;
}

struct mime_part const *
hand_octets(struct hand *h)
{
	if (open_file(h, HAND_READ) < 0)
		return 0;
	if (h->s && h->n == h->size)
		return &h->top;
	return (h->size <= HAND_READ ? read_start(h, HAND_READ) : map_all(h)) < 0 ? 0 : &h->top;
}

struct mime_part const *
hand_header(struct hand *h)
{
	if (open_file(h, HAND_START) < 0 || (!h->s && read_start(h, HAND_START) < 0))
		return 0;
	/* A header longer than that. */
	if (top(h)->body == h->n && h->n < h->size && !hand_octets(h)) {
		h->s = 0;
		return 0;
	}
	return top(h);
}

struct mime_part const *
hand_whole(struct hand *h)
{
	return hand_octets(h) ? top(h) : 0;
}

struct mime_part const *
hand_parts(struct hand *h)
{
	if (!h->parts && hand_whole(h))
		h->parts = mime_parse(&h->arena, h->s, h->n);
	return h->parts;
}

/* ---- texts ------------------------------------------------------------------------------------
 */

void
hand_changed(struct hand *h)
{
	h->asked = 0;
}

char const *
hand_cached(struct hand *h, enum message_text which, size_t *len)
{
	if (!h->asked && folder_text(h->folder, h->i, &h->cached) <= 0)
		h->cached.has = 0;
	h->asked = 1;
	struct message_texts const *t = h->made.has >> which & 1 ? &h->made : &h->cached;
	if (!(t->has >> which & 1))
		return 0;
	*len = t->len[which];
	return t->s[which];
}

/* One that was too long to be kept. */
static char const *
make_longer(struct hand *h, struct mime_part const *top, enum message_text which, size_t *len)
{
	stralloc *out = &h->longer;
	out->len = 0;
	if (which == TEXT_ENVELOPE)
		imap_envelope(out, &h->arena, h->s, top->body);
	else if ((which == TEXT_BODY || which == TEXT_BODYSTRUCTURE) && hand_parts(h))
		imap_bodystructure(out, &h->arena, h->s, h->parts, which == TEXT_BODYSTRUCTURE);
	else {
		errno = 0;
		return 0;
	}
	*len = out->len;
	return out->s;
}

/* What few commands ask for is not made on the way. */
#define UNASKED (1u << TEXT_SORT | 1u << TEXT_THREAD | 1u << TEXT_PREVIEW)

/* Makes what is not made yet and what is in memory allows. */
static void
make(struct hand *h, size_t body, enum message_text which)
{
	struct message_texts t = {0};
	unsigned int kinds = (h->n == h->size ? TEXT_ALL : TEXT_FROM_HEADER) & ~UNASKED;
	if (UNASKED >> which & 1)
		kinds = 1u << which;
	kinds &= ~h->tried;
	if (!kinds)
		return;
	message_texts_make(&t, &h->arena, h->s, h->n, body, kinds);
	for (unsigned int k = 0; k < TEXT_KINDS; k++)
		if (t.has >> k & 1) {
			h->made.s[k] = t.s[k];
			h->made.len[k] = t.len[k];
		}
	h->made.has |= t.has;
	h->tried |= kinds;
	folder_keep_text(h->folder, h->i, &t);
	hand_changed(h);
}

char const *
hand_text(struct hand *h, enum message_text which, size_t *len)
{
	char const *s = hand_cached(h, which, len);
	if (s)
		return s;
	struct mime_part const *p = which < TEXT_BODY ? hand_header(h) : hand_whole(h);
	if (!p)
		return 0;
	make(h, p->body, which);
	s = hand_cached(h, which, len);
	return s ? s : make_longer(h, p, which, len);
}

/* ---- keys -------------------------------------------------------------------------------------
 */

#define KEYS (1u << TEXT_SORT | 1u << TEXT_THREAD)

/* Notes texts that were made, and keeps them with those that are in the cache: an entry there holds
 * all of a message. */
static void
keep_keys(struct hand *h, struct message_texts const *made)
{
	struct message_texts all = *made;
	for (unsigned int k = 0; k < TEXT_KINDS; k++) {
		if (made->has >> k & 1) {
			h->made.s[k] = made->s[k];
			h->made.len[k] = made->len[k];
		} else if (h->cached.has >> k & 1) {
			all.s[k] = h->cached.s[k];
			all.len[k] = h->cached.len[k];
			all.has |= 1u << k;
		}
	}
	h->made.has |= made->has;
	h->tried |= made->has;
	folder_keep_text(h->folder, h->i, &all);
	hand_changed(h);
}

char const *
hand_keys(struct hand *h, enum message_text which, size_t *len)
{
	struct message_texts t;
	char const *s = hand_cached(h, which, len);
	if (s)
		return s;
	s = hand_cached(h, TEXT_HEADERS, len);
	if (s)
		message_texts_make(&t, &h->arena, s, *len, *len, KEYS);
	else {
		struct mime_part const *p = hand_header(h);
		if (!p)
			return 0;
		unsigned int const kinds = h->n == h->size ? TEXT_ALL : TEXT_FROM_HEADER;
		message_texts_make(&t, &h->arena, h->s, h->n, p->body, (kinds & ~UNASKED) | KEYS);
	}
	keep_keys(h, &t);
	return hand_cached(h, which, len);
}

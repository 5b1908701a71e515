#include "lib/wire.h"

#include <string.h>

#include "lib/lines.h"
#include "lib/sa.h"

#define SKIPPED 8192 /* octets whose line ends are counted at once */

uint64_t
wire_size(char const *s, size_t n)
{
	return n + lines_count(s, n, 0).bare;
}

void
wire_put_imap(stralloc *out, char const *s, size_t n)
{
	char const *const end = s + n;
	size_t const from = out->len;
	for (char const *lf; s < end && (lf = memchr(s, '\n', (size_t)(end - s))); s = lf + 1) {
		sa_catb(out, s, (size_t)(lf - s) - (lf > s && lf[-1] == '\r'));
		sa_catb(out, "\r\n", 2);
	}
	sa_catb(out, s, (size_t)(end - s));
	for (char *nul = out->s + from, *last = out->s + out->len;
	     (nul = memchr(nul, 0, (size_t)(last - nul)));)
		*nul++ = WIRE_NUL_IMAP;
}

void
wire_start(struct wire_cursor *w, char const *s, size_t n)
{
	*w = (struct wire_cursor){.p = s, .end = s + n};
}

/* Octets at p that are the same on the wire, at most max: up to a bare LF. */
static size_t
plain_run(struct wire_cursor const *w, uint64_t max)
{
	size_t const left = (size_t)(w->end - w->p);
	size_t const n = left < max ? left : (size_t)max;
	char const *p = w->p;
	while ((p = memchr(p, '\n', n - (size_t)(p - w->p)))) {
		if ((p == w->p ? w->before : p[-1]) != '\r')
			return (size_t)(p - w->p);
		p++;
	}
	return n;
}

/* NULs as what stands for them. */
static void
replace_nuls(struct wire_cursor const *w, char *s, size_t n)
{
	for (char *const end = s + n; w->nul && (s = memchr(s, 0, (size_t)(end - s)));)
		*s++ = w->nul;
}

/* Moves over up to max wire octets, copying them if buf is not null. */
static uint64_t
advance(struct wire_cursor *w, char *buf, uint64_t max)
{
	uint64_t done = 0;
	if (buf && !w->lf_owed) {
		struct lines_copied const c =
		    lines_copy_crlf(buf, (size_t)max, w->p, (size_t)(w->end - w->p), w->before);
		w->p += c.from;
		w->before = c.from ? w->p[-1] : w->before;
		done = c.to;
		if (c.nul)
			replace_nuls(w, buf, c.to);
	}
	while (done < max && w->p < w->end) {
		size_t const n = w->lf_owed ? 0 : plain_run(w, max - done);
		if (n) {
			if (buf) {
				memcpy(buf + done, w->p, n);
				replace_nuls(w, buf + done, n);
			}
			w->p += n;
			w->before = w->p[-1];
			done += n;
			continue;
		}
		if (buf)
			buf[done] = w->lf_owed ? '\n' : '\r';
		done++;
		w->lf_owed = !w->lf_owed;
		if (!w->lf_owed)
			w->before = *w->p++;
	}
	return done;
}

uint64_t
wire_left(struct wire_cursor const *w)
{
	size_t const n = (size_t)(w->end - w->p);
	return n + lines_count(w->p, n, w->before).bare - (uint64_t)w->lf_owed;
}

uint64_t
wire_skip(struct wire_cursor *w, uint64_t count)
{
	uint64_t done = w->lf_owed ? advance(w, 0, count > 0) : 0;
	while (count - done >= 2 * SKIPPED && w->end - w->p >= SKIPPED) {
		done += SKIPPED + lines_count(w->p, SKIPPED, w->before).bare;
		w->p += SKIPPED;
		w->before = w->p[-1];
	}
	return done + advance(w, 0, count - done);
}

size_t
wire_read(struct wire_cursor *w, char *buf, size_t max)
{
	size_t const owed = w->lf_owed ? (size_t)advance(w, buf, max > 0) : 0;
	return owed + (size_t)advance(w, buf + owed, max - owed);
}

#include "lib/casemap.h"

#include <stdlib.h>
#include <unicase.h>
#include <uninorm.h>

#include "lib/ascii.h"
#include "lib/sa.h"
#include "lib/utf8.h"

#define MATCH_PIECE 4096 /* octets that are case-mapped at a time */

/* RFC 5051 2 (2b): decomposition, applied to what comes of it. No character's goes deeper. */
#define DECOMPOSE_DEPTH 8

static void
put_decomposed(stralloc *out, ucs4_t c, unsigned int depth)
{
	ucs4_t parts[UC_DECOMPOSITION_MAX_LENGTH];
	int tag;
	int const n = depth < DECOMPOSE_DEPTH ? uc_decomposition(c, &tag, parts) : -1;
	for (int i = 0; i < n; i++)
		put_decomposed(out, parts[i], depth + 1);
	if (n < 0) {
		char u[UTF8_MAX];
		sa_catb(out, u, utf8_encode(u, c));
	}
}

void
casemap_ascii(stralloc *out, char const *s, size_t n)
{
	sa_room(out, n);
	for (size_t i = 0; i < n; i++)
		out->s[out->len++] = ascii_toupper(s[i]);
}

void
casemap_unicode(stralloc *out, char const *s, size_t n)
{
	for (size_t i = 0; i < n;) {
		size_t k = 0;
		while (i + k < n && !((unsigned char)s[i + k] & 0x80))
			k++;
		casemap_ascii(out, s + i, k);
		i += k;
		if (i == n)
			return;
		uint32_t c;
		size_t const len = utf8_decode(s + i, n - i, &c);
		if (len)
			put_decomposed(out, uc_totitle(c), 0);
		else
			sa_append(out, s[i]);
		i += len ? len : 1;
	}
}

/* fail[i] is the length of the longest border of the key's first i + 1 octets. */
static void
find_borders(struct matcher *m)
{
	uint32_t k = 0;
	m->fail[0] = 0;
	for (uint32_t i = 1; i < m->key.len; i++) {
		while (k && m->key.s[i] != m->key.s[k])
			k = m->fail[k - 1];
		k += m->key.s[i] == m->key.s[k];
		m->fail[i] = k;
	}
}

int
matcher_init(struct matcher *m, char const *key, size_t n)
{
	*m = (struct matcher){0};
	if (n > MATCHER_KEY_MAX)
		return -1;
	casemap_unicode(&m->key, key, n);
	if (m->key.len > MATCHER_KEY_MAX) {
		matcher_free(m);
		return -1;
	}
	if (m->key.len) {
		m->fail = xrealloc(0, m->key.len, sizeof *m->fail);
		find_borders(m);
	}
	matcher_reset(m);
	return 0;
}

void
matcher_reset(struct matcher *m)
{
	m->state = 0;
	m->held_len = 0;
	m->found = !m->key.len;
}

/* Octets of case-mapped text. */
static void
match_mapped(struct matcher *m, char const *s, size_t n)
{
	uint32_t k = m->state;
	for (size_t i = 0; i < n; i++) {
		while (k && s[i] != m->key.s[k])
			k = m->fail[k - 1];
		k += s[i] == m->key.s[k];
		if (k == m->key.len) {
			m->found = 1;
			return;
		}
	}
	m->state = k;
}

static void
match_piece(struct matcher *m, char const *s, size_t n)
{
	sa_reset(&m->scratch);
	casemap_unicode(&m->scratch, s, n);
	match_mapped(m, m->scratch.s, m->scratch.len);
}

/* Completes a held beginning of a character: octets of s taken. */
static size_t
match_held(struct matcher *m, char const *s, size_t n)
{
	size_t i = 0;
	while (m->held_len && i < n) {
		m->held[m->held_len++] = s[i++];
		if (utf8_partial(m->held, m->held_len))
			continue;
		uint32_t c;
		if (!utf8_decode(
			m->held, m->held_len, &c)) { /* broken: its last octet is read again */
			m->held_len--;
			i--;
		}
		match_piece(m, m->held, m->held_len);
		m->held_len = 0;
	}
	return i;
}

int
matcher_feed(struct matcher *m, char const *s, size_t n)
{
	size_t i = match_held(m, s, n);
	while (!m->found && i < n) {
		size_t const k = n - i < MATCH_PIECE ? n - i : MATCH_PIECE;
		size_t keep = 0;
		for (size_t back = 1; back < UTF8_MAX && back <= k && !keep; back++)
			keep = utf8_partial(s + i + k - back, back);
		match_piece(m, s + i, k - keep);
		i += k;
		if (keep)
			memcpy(m->held, s + i - keep, keep);
		m->held_len = (unsigned int)keep;
		i += match_held(m, s + i, n - i);
	}
	return m->found;
}

void
matcher_free(struct matcher *m)
{
	stralloc_free(&m->key);
	stralloc_free(&m->scratch);
	free(m->fail);
	m->fail = 0;
}

#include "lib/casemap.h"

#include <stdlib.h>
#include <unicase.h>
#include <uninorm.h>

#include "lib/ascii.h"
#include "lib/sa.h"
#include "lib/utf8.h"

#define MATCH_PIECE 128 /* octets that are case-mapped at a time, besides as many as the key has   \
			 */

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

/* What a character of the key is compared with: lower case, and the bit that takes letters there.
 */
static unsigned char
probe(char c, unsigned char *letter)
{
	*letter = c >= 'A' && c <= 'Z' ? 0x20 : 0;
	return (unsigned char)c | *letter;
}

static void
find_probes(struct matcher *m)
{
	m->ascii = !utf8_has8bit(m->key.s, m->key.len);
	m->first = probe(m->key.s[0], &m->first_case);
	m->last = probe(m->key.s[m->key.len - 1], &m->last_case);
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
		find_probes(m);
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

/* ---- plain text, many octets at a time ----------------------------------------------------------
 */

#define WIDE 16
typedef unsigned char wide __attribute__((vector_size(WIDE)));

static inline wide
load(char const *s)
{
	wide v;
	memcpy(&v, s, WIDE);
	return v;
}

static inline int
any(wide v)
{
	uint64_t w[WIDE / 8];
	memcpy(w, &v, WIDE);
	return (w[0] | w[1]) != 0;
}

static size_t
next_8bit(char const *s, size_t n)
{
	size_t i = 0;
	while (n - i >= WIDE && !any(load(s + i) & 0x80))
		i += WIDE;
	while (i < n && !((unsigned char)s[i] & 0x80))
		i++;
	return i;
}

/* Where of s[0..n) something may be: the key's first octet with its last where that belongs, or an
 * octet above 127. n if nowhere; the last octets, in which no key begins and ends, are not looked
 * at but for those above 127. A key that is not ASCII cannot be in ASCII text. */
static size_t
next_place(struct matcher const *m, char const *s, size_t n)
{
	size_t const span = m->key.len - 1;
	size_t i = 0;
	if (!m->ascii)
		return next_8bit(s, n);
	for (; n - i >= span + WIDE; i += WIDE) {
		wide const a = load(s + i), b = load(s + i + span);
		wide const hit =
		    (wide)((a | m->first_case) == m->first) & (wide)((b | m->last_case) == m->last);
		if (any(hit | (a & 0x80)))
			break;
	}
	for (; i < n; i++) {
		unsigned char const a = (unsigned char)s[i];
		if (a & 0x80)
			return i;
		if ((a | m->first_case) == m->first && n - i > span &&
		    ((unsigned char)s[i + span] | m->last_case) == m->last)
			return i;
	}
	return n;
}

/* Is the key at s, in letters of any case? There are enough octets. */
static int
key_at(struct matcher const *m, char const *s)
{
	size_t i = 0;
	while (i < m->key.len && ascii_toupper(s[i]) == m->key.s[i])
		i++;
	return i == m->key.len;
}

/* From a state of 0, passes over ASCII text in which no part of a key of ASCII is found that goes
 * on behind it. What octets above 127 become may be ASCII, so it stops where a key could begin that
 * reaches to one. How many octets. */
static size_t
pass_plain(struct matcher *m, char const *s, size_t n)
{
	size_t const span = m->key.len - 1;
	size_t i = 0;
	for (;;) {
		i += next_place(m, s + i, n - i);
		if (i < n && !((unsigned char)s[i] & 0x80)) {
			if (key_at(m, s + i)) {
				m->found = 1;
				return i;
			}
			i++;
		} else
			return i > span ? i - span : 0;
	}
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
		if (!m->state && !m->held_len)
			i += pass_plain(m, s + i, n - i);
		if (m->found || i == n)
			break;
		/* What stopped it, character by character. */
		size_t const piece = m->key.len + MATCH_PIECE;
		size_t const k = n - i < piece ? n - i : piece;
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

#include "sieve/regex.h"

#include <stdlib.h>
#include <string.h>

#include "lib/ascii.h"
#include "lib/sa.h"
#include "lib/utf8.h"
#include "sieve/regex-code.h"

#define NO_CHAR UINT32_MAX	    /* before the text and behind it */
#define NOT_UTF8 UINT32_C(0x110000) /* and above: an octet that belongs to no character */
#define UNSET UINT32_MAX

/* The states that the machine is in, in the order of their preference, and per state the places
 * that its way has saved: places[state * width ...]. */
struct states {
	uint32_t *dense, *sparse, *places, count;
};

/* What is left to do within one character; pc UINT32_MAX: place x becomes what it was. */
struct todo {
	uint32_t pc, x, was;
};

struct regex_space {
	struct states states[2];
	struct todo *todo;
	uint32_t *now; /* the places of the way being followed */
	uint32_t width;
};

struct machine {
	struct sieve_regex const *re;
	struct regex_space *space;
	struct states *at, *to;
	uint32_t width;		    /* of places that are wanted */
	uint32_t pos, before, here; /* the characters around */
	uint32_t best[2 * (REGEX_GROUPS_MAX + 1)];
	int found;
	uint64_t steps;
};

/* ---- compiling ---- */

int
regex_compile(struct sieve_regex *re, char const *pattern, size_t n, int icase, char const **error)
{
	struct regex_tree t = {0, 0, 0};
	*re = (struct sieve_regex)SIEVE_REGEX_ZERO;
	re->icase = icase;
	uint32_t const root = regex_parse(&t, re, pattern, n, error);
	int const r = root ? regex_emit(re, &t, root, error) : -1;
	free(t.node);
	if (r < 0)
		regex_free(re);
	return r;
}

static void
space_free(struct regex_space *s)
{
	for (int i = 0; s && i < 2; i++) {
		free(s->states[i].dense);
		free(s->states[i].sparse);
		free(s->states[i].places);
	}
	if (s) {
		free(s->todo);
		free(s->now);
	}
	free(s);
}

void
regex_free(struct sieve_regex *re)
{
	for (uint32_t i = 0; i < re->sets; i++)
		free(re->set[i].range);
	free(re->set);
	free(re->code);
	space_free(re->space);
	*re = (struct sieve_regex)SIEVE_REGEX_ZERO;
}

static struct regex_space *
space_for(struct sieve_regex *re, uint32_t width)
{
	struct regex_space *s = re->space;
	if (s && s->width >= width)
		return s;
	space_free(s);
	s = re->space = xmalloc(sizeof *s);
	s->width = width;
	for (int i = 0; i < 2; i++) {
		s->states[i].dense = xmalloc(re->len * sizeof(uint32_t));
		s->states[i].sparse = xmalloc(re->len * sizeof(uint32_t));
		/* Never undefined, though what is not in dense makes it count for nothing. */
		memset(s->states[i].sparse, 0, re->len * sizeof(uint32_t));
		s->states[i].places = xmalloc((size_t)re->len * width * sizeof(uint32_t) + 1);
	}
	s->todo = xmalloc(((size_t)re->len * 3 + 1) * sizeof *s->todo);
	s->now = xmalloc(width * sizeof(uint32_t) + 1);
	return s;
}

/* ---- one character ---- */

static int
holds(struct machine const *m, uint32_t assertion)
{
	int const left = m->before != NO_CHAR && regex_is_word(m->before);
	int const right = m->here != NO_CHAR && regex_is_word(m->here);
	switch (assertion) {
	case AT_BEGIN:
		return m->before == NO_CHAR;
	case AT_END:
		return m->here == NO_CHAR;
	case AT_WORD:
		return left != right;
	case AT_NO_WORD:
		return left == right;
	case AT_WORD_BEGIN:
		return !left && right;
	default:
		return left && !right;
	}
}

/* A way has come to its end: better than what was found if it begins further left, or as far and is
 * longer. Ways come here in the order of preference, so what is as good is not better. */
static void
reach_end(struct machine *m)
{
	uint32_t const *const now = m->space->now;
	if (m->width && m->found &&
	    (now[0] > m->best[0] || (now[0] == m->best[0] && m->pos <= m->best[1])))
		return;
	m->found = 1;
	memcpy(m->best, now, m->width * sizeof *now);
	if (m->width)
		m->best[1] = m->pos;
}

static int
has_state(struct states const *s, uint32_t pc)
{
	return s->sparse[pc] < s->count && s->dense[s->sparse[pc]] == pc;
}

/* What one instruction leads to without a character; todo[0..n): the new n. */
static size_t
step_over(struct machine *m, uint32_t pc, size_t n)
{
	struct todo *const todo = m->space->todo;
	struct regex_code const *const c = &m->re->code[pc];
	switch (c->op) {
	case RE_SPLIT:
		todo[n++] = (struct todo){.pc = c->y};
		todo[n++] = (struct todo){.pc = c->x};
		return n;
	case RE_JUMP:
		todo[n++] = (struct todo){.pc = c->x};
		return n;
	case RE_SAVE:
		if (c->x < m->width) {
			todo[n++] = (struct todo){UINT32_MAX, c->x, m->space->now[c->x]};
			m->space->now[c->x] = m->pos;
			/* A group that begins anew has not ended yet. */
			if (!(c->x & 1)) {
				todo[n++] =
				    (struct todo){UINT32_MAX, c->x + 1, m->space->now[c->x + 1]};
				m->space->now[c->x + 1] = UNSET;
			}
		}
		todo[n++] = (struct todo){.pc = pc + 1};
		return n;
	case RE_ASSERT:
		if (holds(m, c->x))
			todo[n++] = (struct todo){.pc = pc + 1};
		return n;
	case RE_MATCH:
		reach_end(m);
		return n;
	default:
		memcpy(m->to->places + (size_t)pc * m->width, m->space->now,
		    m->width * sizeof(uint32_t));
		return n;
	}
}

/* Puts pc and all that it leads to without a character into m->to; the way's places are in now. */
static void
follow(struct machine *m, uint32_t pc)
{
	struct states *const to = m->to;
	struct todo *const todo = m->space->todo;
	size_t n = 0;
	todo[n++] = (struct todo){.pc = pc};
	while (n) {
		struct todo const t = todo[--n];
		if (t.pc == UINT32_MAX) {
			m->space->now[t.x] = t.was;
			continue;
		}
		if (has_state(to, t.pc))
			continue;
		m->steps++;
		to->sparse[t.pc] = to->count;
		to->dense[to->count++] = t.pc;
		n = step_over(m, t.pc, n);
	}
}

static int
takes(struct machine const *m, struct regex_code const *c)
{
	uint32_t here = m->here;
	switch (c->op) {
	case RE_CHAR:
		if (m->re->icase && here < 128)
			here = (unsigned char)ascii_tolower((char)here);
		return here == c->x;
	case RE_ANY:
		return 1;
	case RE_SET:
		return regex_set_has(&m->re->set[c->x], here, m->re->icase);
	default:
		return 0;
	}
}

/* Is way a better than b, both at the same place in the text? Who began further left, and of the
 * groups, from the first on: who began further left, who is longer; what is still open will be. */
static int
better(struct machine *m, uint32_t const *a, uint32_t const *b)
{
	for (uint32_t i = 0; i < m->width; i++) {
		m->steps++;
		if (i == 1 || a[i] == b[i])
			continue;
		if (i & 1)
			return a[i] > b[i]; /* UNSET is the largest */
		return a[i] < b[i];
	}
	return 0;
}

/* The order of preference by what the ways have saved, where that can differ. */
static void
sort(struct machine *m, uint32_t *pc, uint32_t count)
{
	uint32_t const *const places = m->at->places;
	for (uint32_t i = 1; i < count; i++) {
		uint32_t const x = pc[i];
		uint32_t k = i;
		for (; k && better(m, places + (size_t)x * m->width,
				places + (size_t)pc[k - 1] * m->width);
		     k--)
			pc[k] = pc[k - 1];
		pc[k] = x;
	}
}

/* From the states in m->at, by the character here, to those in m->to. */
static void
step(struct machine *m, uint32_t next_pos, uint32_t next_here)
{
	struct states *const at = m->at;
	uint32_t taken = 0;
	for (uint32_t i = 0; i < at->count; i++)
		if (takes(m, &m->re->code[at->dense[i]]))
			at->dense[taken++] = at->dense[i];
	m->steps += at->count;
	if (m->width > 2)
		sort(m, at->dense, taken);
	m->before = m->here;
	m->here = next_here;
	m->pos = next_pos;
	m->to->count = 0;
	for (uint32_t i = 0; i < taken; i++) {
		uint32_t const pc = at->dense[i], *const places =
						      at->places + (size_t)pc * m->width;
		/* Nothing that begins further right than what is found can become better. */
		if (m->found && (!m->width || places[0] > m->best[0]))
			continue;
		memcpy(m->space->now, places, m->width * sizeof *places);
		follow(m, pc + 1);
	}
}

/* A way that begins here, behind all that have begun before. */
static void
begin(struct machine *m)
{
	for (uint32_t i = 0; i < m->width; i++)
		m->space->now[i] = UNSET;
	if (m->width)
		m->space->now[0] = m->pos;
	follow(m, 0);
}

/* ---- the text ---- */

static uint32_t
character(char const *s, size_t n, size_t *len)
{
	uint32_t c;
	if (!n) {
		*len = 0;
		return NO_CHAR;
	}
	if ((unsigned char)*s < 128) {
		*len = 1;
		return (unsigned char)*s;
	}
	*len = utf8_decode(s, n, &c);
	if (*len)
		return c;
	*len = 1;
	return NOT_UTF8 + (unsigned char)*s;
}

/* May a match begin at this place in the text? */
static int
may_begin(struct sieve_regex const *re, char const *text, size_t n, size_t at)
{
	if (re->anchored && at)
		return 0;
	return re->empty ||
	       (at < n &&
		   re->first[(unsigned char)text[at] / 8] >> (unsigned char)text[at] % 8 & 1);
}

/* The character that ends at text + at. */
static uint32_t
character_before(char const *text, size_t at)
{
	uint32_t c;
	for (size_t i = 1; i <= UTF8_MAX && i <= at; i++)
		if (utf8_decode(text + at - i, i, &c) == i)
			return c;
	return at ? NOT_UTF8 : NO_CHAR;
}

/* While no way is open: goes on to where one may begin, or to the end. */
static size_t
skip(struct machine *m, char const *text, size_t n, size_t at)
{
	size_t to = m->re->anchored && at ? n : at;
	while (to < n && !may_begin(m->re, text, n, to))
		to++;
	if (to > at) {
		size_t len;
		m->pos = (uint32_t)to;
		m->before = character_before(text, to);
		m->here = character(text + to, n - to, &len);
	}
	return to;
}

static int
run(struct machine *m, char const *text, size_t n)
{
	size_t at = 0, len, next_len;
	m->before = NO_CHAR;
	m->here = character(text, n, &len);
	for (;;) {
		if (!m->to->count && !m->found)
			at = skip(m, text, n, at);
		if (!m->found && may_begin(m->re, text, n, at))
			begin(m);
		if ((m->found && (!m->width || !m->to->count)) || at == n ||
		    m->steps > REGEX_STEPS_MAX)
			break;
		struct states *const was = m->at;
		m->at = m->to;
		m->to = was;
		character(text + at, n - at, &len);
		at += len;
		uint32_t const next = character(text + at, n - at, &next_len);
		step(m, (uint32_t)at, next);
	}
	return m->steps > REGEX_STEPS_MAX ? -1 : m->found;
}

int
regex_match(
    struct sieve_regex *re, char const *text, size_t n, struct regex_span *capture, size_t max)
{
	size_t const groups = max > re->groups + 1 ? re->groups + 1 : max;
	struct machine m = {.re = re, .width = (uint32_t)(2 * groups)};
	if (n >= UINT32_MAX)
		return -1;
	m.space = space_for(re, m.width);
	m.at = &m.space->states[0];
	m.to = &m.space->states[1];
	m.at->count = m.to->count = 0;
	int const r = run(&m, text, n);
	re->steps = m.steps;
	for (size_t i = 0; r == 1 && i < max; i++) {
		capture[i] = (struct regex_span){SIZE_MAX, SIZE_MAX};
		if (i < groups && m.best[2 * i] != UNSET && m.best[2 * i + 1] != UNSET)
			capture[i] = (struct regex_span){m.best[2 * i], m.best[2 * i + 1]};
	}
	return r;
}

#include "sieve/match.h"

#include <stdlib.h>
#include <string.h>

#include "lib/ascii.h"
#include "lib/casemap.h"
#include "lib/sa.h"
#include "lib/utf8.h"

#define CONTAINS_LONG 64 /* octets of a key */

/* ---- keys ---------------------------------------------------------------------------------------
 */

static struct text
key_of(struct match const *x, uint32_t i)
{
	if (x->keys)
		return x->keys[i];
	return pool_text(
	    x->call->pool, x->list ? call_item(x->call, x->slot, i) : x->call->slots[x->slot]);
}

static int
any_varied(struct match const *x)
{
	for (uint32_t i = 0; i < x->count; i++) {
		uint32_t const at =
		    x->list ? call_item(x->call, x->slot, i) : x->call->slots[x->slot];
		if (POOL_KIND(pool_word(x->call->pool, at)) == POOL_VARIED)
			return 1;
	}
	return 0;
}

static struct text
unicode(struct machine *m, struct text t)
{
	stralloc out = STRALLOC_ZERO;
	casemap_unicode(&out, t.s, t.n);
	struct text const r = {arena_strndup(m->a, out.s ? out.s : "", out.len), out.len};
	stralloc_free(&out);
	return r;
}

int
match_start(struct match *x, struct machine *m, struct call const *call, unsigned int slot)
{
	unsigned int const at = row_shared(call->row, WITH_MATCH);
	*x = (struct match){
	    .m = m, .call = call, .slot = slot, .list = call->row->own[slot].type == ARG_LIST};
	x->comparator = call_choice(call, at + SLOT_COMPARATOR, ASCII_CASEMAP);
	x->type = call_choice(call, at + SLOT_MATCH, MATCH_IS);
	x->relation = call_choice(call, at + SLOT_RELATION, REL_EQ);
	x->count = x->list ? call_count(call, slot) : 1;
	if (any_varied(x)) {
		struct text *const keys = arena_alloc(m->a, x->count * sizeof *keys);
		for (uint32_t i = 0; i < x->count; i++)
			keys[i] =
			    x->list ? machine_item(m, call, slot, i) : machine_text(m, call, slot);
		x->keys = keys;
	}
	if (x->comparator == UNICODE_CASEMAP && x->type != MATCH_REGEX) {
		x->mapped = arena_alloc(m->a, (x->count + 1) * sizeof *x->mapped);
		for (uint32_t i = 0; i < x->count; i++)
			x->mapped[i] = unicode(m, key_of(x, i));
	}
	return m->error ? -1 : 0;
}

int
match_split_keys(struct match *x)
{
	uint32_t n = 0;
	size_t most = 0;
	for (uint32_t i = 0; i < x->count; i++)
		most += key_of(x, i).n / 2 + 1;
	struct text *const words = arena_alloc(x->m->a, (most + 1) * sizeof *words);
	for (uint32_t i = 0; i < x->count; i++) {
		struct text const k = key_of(x, i);
		for (size_t at = 0, from; at < k.n;) {
			while (at < k.n && ascii_isspace(k.s[at]))
				at++;
			for (from = at; at < k.n && !ascii_isspace(k.s[at]);)
				at++;
			if (at > from)
				words[n++] = (struct text){k.s + from, at - from};
		}
	}
	x->keys = words;
	x->count = n;
	for (uint32_t i = 0; x->mapped && i < n; i++) {
		if (!i)
			x->mapped = arena_alloc(x->m->a, n * sizeof *x->mapped);
		x->mapped[i] = unicode(x->m, words[i]);
	}
	return x->m->error ? -1 : 0;
}

/* ---- comparators
 * ---------------------------------------------------------------------------------- */

static int
sign(int r)
{
	return (r > 0) - (r < 0);
}

static int
compare_octets(struct text a, struct text b)
{
	int const r = memcmp(a.s, b.s, a.n < b.n ? a.n : b.n);
	return r ? sign(r) : (a.n > b.n) - (a.n < b.n);
}

static int
compare_ascii(struct text a, struct text b)
{
	for (size_t i = 0; i < a.n && i < b.n; i++) {
		unsigned char const x = (unsigned char)ascii_tolower(a.s[i]),
				    y = (unsigned char)ascii_tolower(b.s[i]);
		if (x != y)
			return x > y ? 1 : -1;
	}
	return (a.n > b.n) - (a.n < b.n);
}

/* i;ascii-numeric (RFC 4790 9.1.1): leading digits count; what begins with none is infinite. */
static int
compare_numeric(struct text a, struct text b)
{
	size_t i = 0, k = 0;
	int const infinite_a = !a.n || !ascii_isdigit(*a.s),
		  infinite_b = !b.n || !ascii_isdigit(*b.s);
	if (infinite_a || infinite_b)
		return infinite_a - infinite_b;
	while (a.n > 1 && *a.s == '0' && ascii_isdigit(a.s[1]))
		a.s++, a.n--;
	while (b.n > 1 && *b.s == '0' && ascii_isdigit(b.s[1]))
		b.s++, b.n--;
	while (i < a.n && ascii_isdigit(a.s[i]))
		i++;
	while (k < b.n && ascii_isdigit(b.s[k]))
		k++;
	if (i != k)
		return i > k ? 1 : -1;
	return sign(memcmp(a.s, b.s, i));
}

static int
compare(enum comparator c, struct text a, struct text b)
{
	return c == ASCII_NUMERIC   ? compare_numeric(a, b)
	       : c == ASCII_CASEMAP ? compare_ascii(a, b)
				    : compare_octets(a, b);
}

/* Of a long key the beginnings may be met often: two copies and a search in linear time. */
static int
contains_long(struct text s, struct text key)
{
	if (key.n > s.n)
		return 0;
	char *const copy = xmalloc(s.n + key.n);
	memcpy(copy, s.s, s.n);
	memcpy(copy + s.n, key.s, key.n);
	ascii_lower(copy, s.n + key.n);
	int const r = !!memmem(copy, s.n, copy + s.n, key.n);
	free(copy);
	return r;
}

static int
contains_ascii(struct text s, struct text key)
{
	if (!key.n)
		return 1;
	if (key.n > CONTAINS_LONG)
		return contains_long(s, key);
	char const low = ascii_tolower(*key.s), high = ascii_toupper(*key.s);
	for (size_t i = 0; i + key.n <= s.n; i++) {
		if (s.s[i] != low && s.s[i] != high)
			continue;
		size_t k = 1;
		while (k < key.n && ascii_tolower(s.s[i + k]) == ascii_tolower(key.s[k]))
			k++;
		if (k == key.n)
			return 1;
	}
	return 0;
}

static int
related(enum relation relation, int order)
{
	switch (relation) {
	case REL_GT:
		return order > 0;
	case REL_GE:
		return order >= 0;
	case REL_LT:
		return order < 0;
	case REL_LE:
		return order <= 0;
	case REL_EQ:
		return order == 0;
	default:
		return order != 0;
	}
}

/* ---- match types
 * ------------------------------------------------------------------------------------ */

/* Sets ${0}, ${1} ... from parts of s; spans[0] is the whole. */
static void
remember(struct machine *m, char const *s, struct span const *spans, unsigned int count)
{
	struct frame *const f = m->frame;
	f->match_count = count;
	for (unsigned int i = 0; i < count; i++) {
		size_t n = spans[i].from == SIZE_MAX ? 0 : spans[i].to - spans[i].from;
		if (n > SIEVE_VARIABLE_MAX)
			n = SIEVE_VARIABLE_MAX;
		f->match[i] = (struct text){n ? arena_strndup(m->a, s + spans[i].from, n) : "", n};
	}
}

static int
variables(struct match const *x)
{
	return !x->silent && x->m->frame->code->capabilities & CAP(VARIABLES);
}

/* Under i;unicode-casemap characters are mapped one by one, so that what a wildcard stood for can
 * be found in the value itself. */
static int
glob_unicode(struct text value, struct text key, struct span *spans, unsigned int *count)
{
	stralloc map = STRALLOC_ZERO;
	size_t room = 0, *origin = 0;
	for (size_t i = 0, k; i < value.n; i += k) {
		uint32_t c;
		size_t const from = map.len;
		k = utf8_decode(value.s + i, value.n - i, &c);
		k = k ? k : 1;
		casemap_unicode(&map, value.s + i, k);
		if (map.len + 1 > room)
			origin = xrealloc(origin, room = map.len * 2 + 64, sizeof *origin);
		for (size_t j = from; j < map.len; j++)
			origin[j] = i;
		origin[map.len] = i + k;
	}
	int const r = match_glob(
	    key.s, key.n, map.s ? map.s : "", map.len, 0, 0, spans, SIEVE_MATCH_VALUES, count);
	for (unsigned int i = 0; r > 0 && i < *count; i++) {
		spans[i].from = origin ? origin[spans[i].from] : 0;
		spans[i].to = origin ? origin[spans[i].to] : 0;
	}
	free(origin);
	stralloc_free(&map);
	return r;
}

static int
matches(struct match *x, struct text value, uint32_t i)
{
	struct span spans[SIEVE_MATCH_VALUES];
	unsigned int count = 0;
	int r;
	if (machine_steps(x->m, 1 + value.n / 256) < 0)
		return -1;
	if (x->mapped) {
		r = glob_unicode(value, x->mapped[i], spans, &count);
	} else {
		struct text const key = key_of(x, i);
		r = match_glob(key.s, key.n, value.s, value.n, x->comparator == ASCII_CASEMAP,
		    x->comparator == OCTET, spans, SIEVE_MATCH_VALUES, &count);
	}
	if (r < 0)
		return machine_fail(x->m, "match: too many steps");
	if (r && variables(x))
		remember(x->m, value.s, spans, count);
	return r;
}

static int
regex(struct match *x, struct text value, uint32_t i)
{
	struct regex_span found[SIEVE_MATCH_VALUES];
	struct text const key = key_of(x, i);
	char const *why;
	if (!x->regex) {
		x->regex = xmalloc(x->count * sizeof *x->regex);
		for (uint32_t k = 0; k < x->count; k++)
			x->regex[k] = (struct sieve_regex)SIEVE_REGEX_ZERO;
	}
	struct sieve_regex *const re = x->regex + i;
	if (machine_steps(x->m, 1 + value.n / 64) < 0)
		return -1;
	if (!re->code) {
		if (regex_compile(re, key.s, key.n, x->comparator != OCTET, &why) < 0)
			return machine_fail(x->m, "regular expression: %s", why);
		if (machine_steps(x->m, re->len / 4) < 0)
			return -1;
	}
	int const values = variables(x);
	int const r = regex_match(re, value.s, value.n, found, values ? SIEVE_MATCH_VALUES : 0);
	/* One of its steps is a small part of one of ours. */
	if (machine_steps(x->m, re->steps / 8) < 0)
		return -1;
	if (r < 0)
		return machine_fail(x->m, "regular expression: too many steps");
	if (r && values) {
		struct span spans[SIEVE_MATCH_VALUES];
		unsigned int const count =
		    re->groups + 1 < SIEVE_MATCH_VALUES ? re->groups + 1 : SIEVE_MATCH_VALUES;
		for (unsigned int k = 0; k < count; k++)
			spans[k] = (struct span){found[k].from, found[k].to};
		remember(x->m, value.s, spans, count);
	}
	return r;
}

static int
one(struct match *x, struct text value, struct text mapped, uint32_t i)
{
	struct text const key = x->mapped ? x->mapped[i] : key_of(x, i);
	switch (x->type) {
	case MATCH_IS:
		return (x->comparator == ASCII_NUMERIC || mapped.n == key.n) &&
		       !compare(x->comparator, mapped, key);
	case MATCH_CONTAINS:
		return x->comparator == ASCII_CASEMAP
			   ? contains_ascii(value, key)
			   : !key.n || memmem(mapped.s, mapped.n, key.s, key.n);
	case MATCH_MATCHES:
		return matches(x, value, i);
	case MATCH_REGEX:
		return regex(x, value, i);
	default:
		return related(x->relation, compare(x->comparator, mapped, key));
	}
}

int
match_value(struct match *x, struct text value)
{
	x->values++;
	if (x->type == MATCH_COUNT)
		return x->m->error ? -1 : 0;
	if (machine_steps(x->m, value.n / 1024 * (1 + x->count / 16) + x->count / 4) < 0)
		return -1;
	struct text const mapped =
	    x->mapped && x->type != MATCH_MATCHES ? unicode(x->m, value) : value;
	for (uint32_t i = 0; i < x->count; i++) {
		int const r = one(x, value, mapped, i);
		if (r)
			return x->found = r;
	}
	return 0;
}

/* RFC 5231 4.2: how many values there were, as a number in digits. */
static void
counted(struct match *x)
{
	char digits[24];
	char *p = digits + sizeof digits;
	uint64_t n = x->values;
	do
		*--p = (char)('0' + n % 10);
	while (n /= 10);
	struct text const value = {p, (size_t)(digits + sizeof digits - p)};
	for (uint32_t i = 0; i < x->count && !x->found; i++)
		x->found = related(x->relation,
		    compare(x->comparator, value, x->mapped ? x->mapped[i] : key_of(x, i)));
}

int
match_end(struct match *x)
{
	if (x->type == MATCH_COUNT && !x->m->error)
		counted(x);
	for (uint32_t i = 0; x->regex && i < x->count; i++)
		regex_free(x->regex + i);
	free(x->regex);
	x->regex = 0;
	return x->m->error ? -1 : x->found;
}

/* Variables (RFC 5229), global ones (RFC 6609 3.4), and strings with references to them. */
#include <string.h>

#include "lib/ascii.h"
#include "lib/sa.h"
#include "lib/utf8.h"
#include "sieve/machine.h"
#include "sieve/values.h"

static struct variable *
find(struct variables const *v, char const *name, size_t n)
{
	for (unsigned int i = 0; i < v->count; i++)
		if (v->list[i].name.n == n && !strncasecmp(v->list[i].name.s, name, n))
			return v->list + i;
	return 0;
}

/* Names are without regard to case; "global." says which table, or a `global` command did. */
static struct variables *
table_of(struct machine *m, char const **name, size_t *n)
{
	if (*n > 7 && ascii_ieq(*name, 7, "global.")) {
		*name += 7;
		*n -= 7;
		return &m->globals;
	}
	for (unsigned int i = 0; i < m->frame->globals_count; i++)
		if (m->frame->globals[i].n == *n && !strncasecmp(m->frame->globals[i].s, *name, *n))
			return &m->globals;
	return &m->frame->variables;
}

struct text
variable_get(struct machine *m, char const *name, size_t n)
{
	struct variables const *const t = table_of(m, &name, &n);
	struct variable const *const v = find(t, name, n);
	return v ? v->value : (struct text){"", 0};
}

/* Cut to the limit, at a character. */
static size_t
cut(char const *s, size_t n, size_t most)
{
	if (n <= most)
		return n;
	n = most;
	while (n && ((unsigned char)s[n] & 0xc0) == 0x80)
		n--;
	return n;
}

int
variable_set(struct machine *m, struct text name, struct text value)
{
	struct variables *const t = table_of(m, &name.s, &name.n);
	struct variable *v = find(t, name.s, name.n);
	if (!v) {
		if (t->count == SIEVE_VARIABLES_MAX)
			return machine_fail(
			    m, "too many variables: the limit is %d", SIEVE_VARIABLES_MAX);
		if (t->count == t->room) {
			struct variable *const more =
			    arena_alloc(m->a, (t->room = t->room ? t->room * 2 : 8) * sizeof *more);
			if (t->count)
				memcpy(more, t->list, t->count * sizeof *more);
			t->list = more;
		}
		v = t->list + t->count++;
		v->name = (struct text){arena_strndup(m->a, name.s, name.n), name.n};
	}
	size_t const n = cut(value.s, value.n, SIEVE_VARIABLE_MAX);
	v->value = (struct text){arena_strndup(m->a, value.s, n), n};
	return machine_steps(m, n / 1024);
}

/* ---- strings ------------------------------------------------------------------------------------
 */

static struct text
expand(struct machine *m, char const *s, size_t n)
{
	stralloc out = STRALLOC_ZERO;
	struct reference r;
	for (size_t i = 0; i < n && out.len <= SIEVE_VARIABLE_MAX;) {
		char const *const dollar = memchr(s + i, '$', n - i);
		size_t const plain = dollar ? (size_t)(dollar - s) - i : n - i;
		if (plain) {
			sa_catb(&out, s + i, plain);
			i += plain;
		} else if (!value_reference(s + i, n - i, &r)) {
			sa_append(&out, s[i++]);
		} else {
			/* What was never set is empty (RFC 5229 3). */
			struct text v = {"", 0};
			if (r.match >= 0 && (unsigned int)r.match < m->frame->match_count)
				v = m->frame->match[r.match];
			else if (r.match < 0)
				v = r.global ? variable_get(m, r.name - 7, r.name_len + 7)
					     : variable_get(m, r.name, r.name_len);
			if (v.n)
				sa_catb(&out, v.s, v.n);
			i += r.len;
		}
	}
	size_t const len = cut(out.s ? out.s : "", out.len, SIEVE_VARIABLE_MAX);
	struct text const t = {arena_strndup(m->a, out.s ? out.s : "", len), len};
	stralloc_free(&out);
	machine_steps(m, len / 1024);
	return t;
}

static struct text
text_at(struct machine *m, char const *pool, uint32_t at)
{
	struct text const t = pool_text(pool, at);
	return POOL_KIND(pool_word(pool, at)) == POOL_VARIED ? expand(m, t.s, t.n) : t;
}

struct text
machine_text(struct machine *m, struct call const *call, unsigned int slot)
{
	return call_has(call, slot) ? text_at(m, call->pool, call->slots[slot])
				    : (struct text){"", 0};
}

struct text
machine_item(struct machine *m, struct call const *call, unsigned int slot, uint32_t i)
{
	return text_at(m, call->pool, call_item(call, slot, i));
}

char const *
machine_string(struct machine *m, struct call const *call, unsigned int slot)
{
	/* Code may be gone before the result is. */
	struct text const t = machine_text(m, call, slot);
	return call_has(call, slot) ? arena_strndup(m->a, t.s, t.n) : 0;
}

char const *const *
machine_strings(struct machine *m, struct call const *call, unsigned int slot)
{
	uint32_t const n = call_count(call, slot);
	char const **const list = arena_alloc(m->a, (n + 1) * sizeof *list);
	for (uint32_t i = 0; i < n; i++) {
		struct text const t = machine_item(m, call, slot, i);
		list[i] = arena_strndup(m->a, t.s, t.n);
	}
	list[n] = 0;
	return call_has(call, slot) ? list : 0;
}

/* ---- set and its modifiers (RFC 5229 4.1)
 * --------------------------------------------------------- */

enum { LOWER, UPPER, LOWERFIRST, UPPERFIRST, QUOTEWILDCARD, QUOTEREGEX, ENCODEURL, LENGTH };

static struct text
kept(struct machine *m, stralloc *out)
{
	struct text const t = {arena_strndup(m->a, out->s ? out->s : "", out->len), out->len};
	stralloc_free(out);
	return t;
}

static struct text
change_case(struct machine *m, struct text v, int upper, int first)
{
	char *const s = arena_strndup(m->a, v.s, v.n);
	for (size_t i = 0; i < v.n && (!first || !i); i++)
		s[i] = upper ? ascii_toupper(s[i]) : ascii_tolower(s[i]);
	return (struct text){s, v.n};
}

/* A backslash before each of `special`. */
static struct text
quote(struct machine *m, struct text v, char const *special)
{
	stralloc out = STRALLOC_ZERO;
	for (size_t i = 0; i < v.n; i++) {
		if (v.s[i] && strchr(special, v.s[i]))
			sa_append(&out, '\\');
		sa_append(&out, v.s[i]);
	}
	return kept(m, &out);
}

/* RFC 5435 6: all but the unreserved characters of RFC 3986 2.3. */
static struct text
encode_url(struct machine *m, struct text v)
{
	stralloc out = STRALLOC_ZERO;
	for (size_t i = 0; i < v.n; i++) {
		char const c = v.s[i], low = ascii_tolower(c);
		if ((low >= 'a' && low <= 'z') || ascii_isdigit(c) || (c && strchr("-._~", c)))
			sa_append(&out, c);
		else
			sa_catf(&out, "%%%02X", (unsigned char)c);
	}
	return kept(m, &out);
}

static struct text
length(struct machine *m, struct text v)
{
	stralloc out = STRALLOC_ZERO;
	size_t n = 0;
	for (size_t i = 0; i < v.n; i++)
		n += ((unsigned char)v.s[i] & 0xc0) != 0x80;
	sa_catnum(&out, n);
	return kept(m, &out);
}

int
variable_set_modified(struct machine *m, struct call const *call, unsigned int first,
    struct text name, struct text value)
{
	/* By precedence, the highest first. */
	if (call_has(call, first + LOWER) || call_has(call, first + UPPER))
		value = change_case(m, value, call_has(call, first + UPPER), 0);
	if (call_has(call, first + LOWERFIRST) || call_has(call, first + UPPERFIRST))
		value = change_case(m, value, call_has(call, first + UPPERFIRST), 1);
	if (call_has(call, first + QUOTEWILDCARD))
		value = quote(m, value, "*?\\");
	if (call_has(call, first + QUOTEREGEX))
		value = quote(m, value, "\\.[](){}*+?^$|");
	if (call_has(call, first + ENCODEURL))
		value = encode_url(m, value);
	if (call_has(call, first + LENGTH))
		value = length(m, value);
	return variable_set(m, name, value);
}

int
run_set(struct machine *m, struct call const *call)
{
	return variable_set_modified(
	    m, call, 2, machine_text(m, call, 0), machine_text(m, call, 1));
}

/* ---- include, return, global (RFC 6609)
 * ----------------------------------------------------------- */

int
run_global(struct machine *m, struct call const *call)
{
	struct frame *const f = m->frame;
	uint32_t const n = call_count(call, 0);
	if (f->globals_count + n > SIEVE_VARIABLES_MAX)
		return machine_fail(m, "too many variables: the limit is %d", SIEVE_VARIABLES_MAX);
	struct text *const more = arena_alloc(m->a, (f->globals_count + n + 1) * sizeof *more);
	if (f->globals_count)
		memcpy(more, f->globals, f->globals_count * sizeof *more);
	for (uint32_t i = 0; i < n; i++)
		more[f->globals_count++] = machine_item(m, call, 0, i);
	f->globals = more;
	return 0;
}

int
run_return(struct machine *m, struct call const *call)
{
	(void)m, (void)call;
	return RUN_RETURN;
}

/* Was this script included before? Notes that it is now. */
static int
included_before(struct machine *m, struct sieve_code const *code)
{
	for (unsigned int i = 0; i < m->included_count; i++)
		if (m->included[i] == code)
			return 1;
	if (!m->included)
		m->included = arena_alloc(m->a, SIEVE_INCLUDES_MAX * sizeof *m->included);
	m->included[m->included_count++] = code;
	return 0;
}

int
run_include(struct machine *m, struct call const *call)
{
	enum { NAME, PERSONAL, GLOBAL, ONCE, OPTIONAL };
	char const *const name = machine_string(m, call, NAME), *why = 0;
	struct sieve_code const *code = 0;
	if (m->includes++ == SIEVE_INCLUDES_MAX || m->depth > SIEVE_INCLUDE_DEPTH)
		return machine_fail(m, "too many includes: \"%s\"", name);
	int const found = m->host->include ? m->host->include(m->host->arg, call_has(call, GLOBAL),
						 name, &code, &why)
					   : 0;
	if (found < 0)
		return machine_fail(
		    m, "included script \"%s\": %s", name, why ? why : "cannot be read");
	if (!found)
		return call_has(call, OPTIONAL)
			   ? 0
			   : machine_fail(m, "included script \"%s\": there is none", name);
	for (struct frame const *f = m->frame; f; f = f->before)
		if (f->code == code)
			return machine_fail(m, "included script \"%s\" includes itself", name);
	int const before = included_before(m, code);
	if (before && call_has(call, ONCE))
		return 0;
	int const r = machine_run(m, code);
	return r == RUN_RETURN ? 0 : r;
}

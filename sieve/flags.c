/* Flags of IMAP (RFC 5232): commands, the internal variable, the test. */
#include <string.h>

#include "lib/ascii.h"
#include "lib/sa.h"
#include "sieve/match.h"
#include "sieve/values.h"

/* The next word of s[0..n) from *at on: 1, or 0. */
static int
next_word(struct text s, size_t *at, struct text *word)
{
	while (*at < s.n && ascii_isspace(s.s[*at]))
		++*at;
	size_t const from = *at;
	while (*at < s.n && !ascii_isspace(s.s[*at]))
		++*at;
	*word = (struct text){s.s + from, *at - from};
	return word->n > 0;
}

static int
there(struct text list, struct text flag)
{
	struct text w;
	for (size_t at = 0; next_word(list, &at, &w);)
		if (w.n == flag.n && !strncasecmp(w.s, flag.s, w.n))
			return 1;
	return 0;
}

static struct text
as_text(stralloc const *s)
{
	return (struct text){s->s ? s->s : "", s->len};
}

/* Flags without regard to case, each once; what is no flag is left out (RFC 5232 2). */
void
flags_add(stralloc *out, char const *s, size_t n)
{
	struct text w;
	for (size_t at = 0; next_word((struct text){s, n}, &at, &w);)
		if (value_flag(w.s, w.n) && !there(as_text(out), w) &&
		    out->len + w.n < SIEVE_FLAGS_MAX) {
			if (out->len)
				sa_append(out, ' ');
			sa_catb(out, w.s, w.n);
		}
}

static void
flags_remove(stralloc *list, struct text flag)
{
	stralloc kept = STRALLOC_ZERO;
	struct text w;
	for (size_t at = 0; next_word(as_text(list), &at, &w);)
		if (w.n != flag.n || strncasecmp(w.s, flag.s, w.n))
			flags_add(&kept, w.s, w.n);
	sa_copyb(list, kept.s ? kept.s : "", kept.len);
	stralloc_free(&kept);
}

static void
add_list(struct machine *m, struct call const *call, unsigned int slot, stralloc *out)
{
	for (uint32_t i = 0; i < call_count(call, slot); i++) {
		struct text const t = machine_item(m, call, slot, i);
		flags_add(out, t.s, t.n);
	}
}

char const *
flags_of(struct machine *m, struct call const *call, unsigned int slot)
{
	stralloc out = STRALLOC_ZERO;
	if (call && call_has(call, slot))
		add_list(m, call, slot, &out);
	else
		flags_add(&out, m->flags.s ? m->flags.s : "", m->flags.len);
	char const *const s = arena_strndup(m->a, out.s ? out.s : "", out.len);
	stralloc_free(&out);
	return s;
}

enum change { SET, ADD, REMOVE };

/* The internal variable, or one that is named (RFC 5232 3). */
static int
change(struct machine *m, struct call const *call, enum change how)
{
	stralloc flags = STRALLOC_ZERO;
	struct text const name = machine_text(m, call, 0);
	int const named = call_has(call, 0);
	struct text const old = named ? variable_get(m, name.s, name.n) : as_text(&m->flags);
	struct text w;
	if (how != SET)
		flags_add(&flags, old.s, old.n);
	if (how != REMOVE)
		add_list(m, call, 1, &flags);
	for (uint32_t i = 0; how == REMOVE && i < call_count(call, 1); i++) {
		struct text const t = machine_item(m, call, 1, i);
		for (size_t at = 0; next_word(t, &at, &w);)
			flags_remove(&flags, w);
	}
	int const r = named ? variable_set(m, name, as_text(&flags)) : 0;
	if (!named)
		sa_copyb(&m->flags, flags.s ? flags.s : "", flags.len);
	stralloc_free(&flags);
	return r;
}

int
run_setflag(struct machine *m, struct call const *call)
{
	return change(m, call, SET);
}

int
run_addflag(struct machine *m, struct call const *call)
{
	return change(m, call, ADD);
}

int
run_removeflag(struct machine *m, struct call const *call)
{
	return change(m, call, REMOVE);
}

static int
give_flags(struct match *match, struct text list)
{
	struct text w;
	int r = 0;
	for (size_t at = 0; !r && next_word(list, &at, &w);)
		r = match_value(match, w);
	return r;
}

/* RFC 5232 4: each flag is a value; the keys' words are flags, too. */
int
test_hasflag(struct machine *m, struct call const *call)
{
	struct match match;
	int r = match_start(&match, m, call, 1);
	if (!r && match.type != MATCH_COUNT && match.type != MATCH_VALUE)
		r = match_split_keys(&match);
	if (!r && !call_has(call, 0))
		give_flags(&match, as_text(&m->flags));
	for (uint32_t i = 0; !r && i < call_count(call, 0); i++) {
		struct text const name = machine_item(m, call, 0, i);
		r = give_flags(&match, variable_get(m, name.s, name.n));
	}
	return match_end(&match);
}

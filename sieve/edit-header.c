/* addheader and deleteheader (RFC 5293). */
#include <string.h>

#include "lib/ascii.h"
#include "lib/sa.h"
#include "sieve/match.h"
#include "sieve/values.h"

static int
editable(struct machine *m, struct text name)
{
	if (!value_header(name.s, name.n))
		return machine_fail(m, "\"%s\" is not the name of a header field", name.s);
	if (++m->edits > SIEVE_EDITS_MAX)
		return machine_fail(m, "too many header edits: the limit is %d", SIEVE_EDITS_MAX);
	return 0;
}

int
run_addheader(struct machine *m, struct call const *call)
{
	enum { NAME, VALUE, LAST };
	struct text const name = machine_text(m, call, NAME);
	struct text value = machine_text(m, call, VALUE);
	if (editable(m, name) < 0)
		return -1;
	ascii_trim(&value.s, &value.n);
	/* RFC 5293 4: what is no unstructured text is an error. */
	if (value.n > SIEVE_FIELD_MAX)
		return machine_fail(m, "addheader: value too long");
	for (size_t i = 0; i < value.n; i++)
		if (((unsigned char)value.s[i] < ' ' && value.s[i] != '\t') || value.s[i] == 127)
			return machine_fail(m, "addheader: control in a value");
	message_add(
	    &m->message, name.s, arena_strndup(m->a, value.s, value.n), call_has(call, LAST));
	return 0;
}

/* Does one of the patterns fit the field? Without patterns each does. */
static int
fits(struct machine *m, struct call const *call, struct field *f)
{
	struct match match;
	if (!call_has(call, 1))
		return 1;
	if (match_start(&match, m, call, 1) == 0)
		match_value(&match, field_value(&m->message, f));
	return match_end(&match);
}

int
run_deleteheader(struct machine *m, struct call const *call)
{
	enum { NAME, PATTERNS, INDEX, LAST };
	struct text const name = machine_text(m, call, NAME);
	struct header const *const h = &m->message.header;
	if (editable(m, name) < 0)
		return -1;
	uint64_t const index = call_number(call, INDEX, 0);
	unsigned int count = 0;
	for (struct field *f = header_first(h, name.s, name.n); f;
	     f = header_after(f, name.s, name.n))
		count++;
	struct field **const found = arena_alloc(m->a, (count + 1) * sizeof *found);
	count = 0;
	for (struct field *f = header_first(h, name.s, name.n); f;
	     f = header_after(f, name.s, name.n))
		found[count++] = f;
	unsigned int from = 0, to = count;
	if (call_has(call, INDEX)) {
		if (!index || index > count)
			return 0;
		from = call_has(call, LAST) ? count - (unsigned int)index : (unsigned int)index - 1;
		to = from + 1;
	}
	/* From the end on, so that the places of those before stay. */
	for (unsigned int i = to; i-- > from;) {
		int const r = fits(m, call, found[i]);
		if (r < 0)
			return -1;
		if (r)
			message_delete(&m->message, found[i]);
	}
	return machine_steps(m, to - from);
}

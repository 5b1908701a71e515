#include "sieve/foreverypart.h"

#include <string.h>

#include "lib/sa.h"
#include "sieve/part.h"

/* ---- the loop -------------------------------------------------------------------------------- */

/* The part behind p, depth first, within `within`. */
static struct mime_part *
behind(struct mime_part *p, struct mime_part const *within)
{
	if (p->children)
		return p->children;
	for (; p && p != within; p = p->parent)
		if (p->next)
			return p->next;
	return 0;
}

static struct part_loop *
innermost(struct machine *m)
{
	for (struct frame *f = m->frame; f; f = f->before)
		if (f->loop_depth)
			return f->loops + f->loop_depth - 1;
	return 0;
}

/* The part with this number, depth first; the last one if there are not so many. */
static struct mime_part *
numbered(struct mime_part *root, unsigned int index)
{
	struct mime_part *p = root;
	for (struct mime_part *next; index && (next = behind(p, root)); index--)
		p = next;
	return p;
}

/* When an edit has made a new message another tree has taken the place of the one that the loop began
 * with: it goes on from the part that stands there now. */
static void
follow(struct machine *m, struct part_loop *l)
{
	struct mime_part *const root = message_parts(&m->message);
	if (l->root == root)
		return;
	l->root = root;
	l->part = numbered(root, l->index);
	l->within = numbered(root, l->within_index);
}

struct mime_part *
foreverypart_part(struct machine *m)
{
	struct part_loop *const l = innermost(m);
	if (!l)
		return 0;
	follow(m, l);
	return l->part;
}

/* A loop within a loop goes through the parts of the outer one's part (RFC 5703 3). */
int
loop_begin(struct machine *m)
{
	struct part_loop const *const outer = innermost(m);
	struct mime_part *const part = outer ? foreverypart_part(m) : 0, *const root = message_parts(&m->message);
	struct frame *const f = m->frame;
	if (f->loop_depth == SIEVE_LOOP_DEPTH)
		return machine_fail(m, "foreverypart nested too deeply");
	if (outer && !part->children)
		return 0;
	struct part_loop *const l = f->loops + f->loop_depth++;
	*l = (struct part_loop){.root = root, .within = outer ? part : root, .part = outer ? part->children : root};
	l->within_index = outer ? outer->index : 0;
	l->index = outer ? outer->index + 1 : 0;
	return 1;
}

int
loop_next(struct machine *m)
{
	struct frame *const f = m->frame;
	if (!f->loop_depth)
		return machine_fail(m, "the compiled code is damaged");
	struct part_loop *const l = f->loops + f->loop_depth - 1;
	follow(m, l);
	if (machine_steps(m, 4) < 0)
		return -1;
	struct mime_part *const next = behind(l->part, l->within);
	if (!next) {
		f->loop_depth--;
		return 0;
	}
	l->part = next;
	l->index++;
	return 1;
}

/* ---- extracttext, replace, enclose ----------------------------------------------------------- */

/* RFC 5703 7 */
int
run_extracttext(struct machine *m, struct call const *call)
{
	struct mime_part const *const p = foreverypart_part(m);
	stralloc out = STRALLOC_ZERO;
	uint64_t const first = call_number(call, 1, SIEVE_VARIABLE_MAX);
	if (!p)
		return machine_fail(m, "extracttext stands in foreverypart only");
	sieve_part_text(&out, m->a, m->message.s, p, 1, m->job->charsets, SIEVE_VARIABLE_MAX);
	/* Empty lines at its beginning are the layout's, not the text's. :first counts characters. */
	size_t from = 0;
	while (from < out.len && out.s[from] == '\n')
		from++;
	size_t n = from;
	for (uint64_t characters = 0; n < out.len; n++)
		if (((unsigned char)out.s[n] & 0xc0) != 0x80 && characters++ == first)
			break;
	struct text const value = {arena_strndup(m->a, out.s ? out.s + from : "", n - from), n - from};
	stralloc_free(&out);
	return variable_set_modified(m, call, 2, machine_text(m, call, 0), value);
}

static int
edited(struct machine *m)
{
	return ++m->edits > SIEVE_EDITS_MAX ? machine_fail(m, "too many header edits: the limit is %d", SIEVE_EDITS_MAX) : 0;
}

/* RFC 5703 5 */
int
run_replace(struct machine *m, struct call const *call)
{
	enum { TEXT, MIME, SUBJECT, FROM };
	struct mime_part const *const p = foreverypart_part(m);
	struct sieve_part_new with = {.mime = call_has(call, MIME)};
	size_t n = 0;
	if (edited(m) < 0)
		return -1;
	with.text = machine_string(m, call, TEXT);
	with.subject = machine_string(m, call, SUBJECT);
	with.from = machine_string(m, call, FROM);
	if (with.from && !sieve_address_valid(with.from, 1, 0))
		return machine_fail(m, "replace: \"%s\" is not an address", with.from);
	message_parts(&m->message);
	char *const s = sieve_part_replace(m->a, m->message.s, m->message.n, p, &with, &n);
	message_replace(&m->message, s, n);
	return machine_steps(m, n / 1024);
}

/* RFC 5703 6 */
int
run_enclose(struct machine *m, struct call const *call)
{
	enum { TEXT, SUBJECT, HEADERS };
	struct sieve_part_new const with = {.text = machine_string(m, call, TEXT), .subject = machine_string(m, call, SUBJECT)};
	char const *const *const fields = machine_strings(m, call, HEADERS);
	size_t n = 0;
	if (edited(m) < 0)
		return -1;
	message_parts(&m->message);
	char *const s = sieve_part_enclose(m->a, m->message.s, m->message.n, &with, fields, call_count(call, HEADERS), &n);
	message_replace(&m->message, s, n);
	return machine_steps(m, n / 1024);
}

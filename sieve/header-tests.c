/* Tests of header fields: header, address, exists (RFC 5228 5; index, RFC 5260 6; mime, RFC 5703
 * 4), and envelope. */
#include <string.h>

#include "lib/ascii.h"
#include "lib/sa.h"
#include "sieve/foreverypart.h"
#include "sieve/match.h"

/* ---- which fields -------------------------------------------------------------------------------
 */

/* What a test wants of the fields whose names stand in a list: each is given to `give`, which says
 * 1 to stop. With :index only the one of each name. */
struct fields {
	struct machine *m;
	struct call const *call;
	uint32_t from, to; /* which strings of the list in slot 0 */
	uint64_t index;	   /* 0: all */
	int last;
	int (*give)(struct fields *x, struct field *f);
	struct match *match;
	unsigned int part;
	int what;
};

/* RFC 5260 6: with :index all fields of all the names are counted, in the order of the list. */
static uint64_t
count_fields(struct fields *x, struct header const *h)
{
	uint64_t total = 0;
	for (uint32_t i = x->from; i < x->to; i++) {
		struct text const name = machine_item(x->m, x->call, 0, i);
		for (struct field *f = header_first(h, name.s, name.n); f;
		     f = header_after(f, name.s, name.n))
			total++;
	}
	return total;
}

static int
give_fields(struct fields *x, struct header const *h)
{
	int r = 0;
	uint64_t want = x->index, n = 0;
	if (x->last) {
		uint64_t const total = count_fields(x, h);
		if (want > total)
			return 0;
		want = total + 1 - want;
	}
	for (uint32_t i = x->from; !r && i < x->to; i++) {
		struct text const name = machine_item(x->m, x->call, 0, i);
		for (struct field *f = header_first(h, name.s, name.n); f && !r;
		     f = header_after(f, name.s, name.n))
			if (machine_steps(x->m, 1) < 0)
				r = -1;
			else if (!want || ++n == want)
				r = x->give(x, f);
	}
	return x->m->error ? -1 : r;
}

static int
give_part(struct fields *x, struct mime_part const *p)
{
	return give_fields(x, message_part_header(&x->m->message, p));
}

/* :anychild: the part and all within it. */
static int
give_tree(struct fields *x, struct mime_part const *p)
{
	int r = machine_steps(x->m, 8) < 0 ? -1 : give_part(x, p);
	for (struct mime_part const *k = p->children; k && !r; k = k->next)
		r = give_tree(x, k);
	return r;
}

/* RFC 5703 4: with :mime in foreverypart the fields of its part, else those of the message. */
static int
give_all(struct fields *x)
{
	unsigned int const mime = row_shared(x->call->row, WITH_MIME);
	if (x->call->row->flags & WITH_INDEX) {
		unsigned int const index = row_shared(x->call->row, WITH_INDEX);
		x->index = call_number(x->call, index + SLOT_INDEX, 0);
		x->last = call_has(x->call, index + SLOT_LAST);
		/* The zeroth is no field. */
		if (call_has(x->call, index + SLOT_INDEX) && !x->index)
			return 0;
	}
	if (!(x->call->row->flags & WITH_MIME) || !call_has(x->call, mime + SLOT_MIME))
		return give_fields(x, &x->m->message.header);
	struct mime_part const *const loop = foreverypart_part(x->m);
	int const children = call_has(x->call, mime + SLOT_ANYCHILD);
	if (!loop && !children)
		return give_fields(x, &x->m->message.header);
	struct mime_part const *const p = loop ? loop : message_parts(&x->m->message);
	return children ? give_tree(x, p) : give_part(x, p);
}

/* ---- header
 * ---------------------------------------------------------------------------------------- */

static int
give_string(struct fields *x, char const *s)
{
	return match_value(x->match, (struct text){s, strlen(s)});
}

static int
give_params(struct fields *x, struct mime_value const *v, unsigned int slot)
{
	int r = 0;
	for (uint32_t i = 0; !r && i < call_count(x->call, slot); i++) {
		int extended;
		struct text const name = machine_item(x->m, x->call, slot, i);
		char const *const s =
		    mime_param(v, arena_strndup(x->m->a, name.s, name.n), &extended);
		stralloc out = STRALLOC_ZERO;
		if (s && extended && mime_param_decode(&out, s) == 0)
			r = match_value(x->match,
			    (struct text){
				arena_strndup(x->m->a, out.s ? out.s : "", out.len), out.len});
		else if (s)
			r = give_string(x, s);
		stralloc_free(&out);
	}
	return r;
}

/* RFC 5703 4.2: parts of Content-Type and Content-Disposition; of other fields there are none. */
static int
give_what(struct fields *x, struct field *f)
{
	unsigned int const slot = row_shared(x->call->row, WITH_WHAT);
	struct arena *const a = x->m->a;
	struct mime_value v;
	int const disposition = header_is(&f->f, "content-disposition");
	if (disposition ? mime_disposition(a, &f->f, &v) < 0
			: !header_is(&f->f, "content-type") || mime_content_type(a, &f->f, &v) < 0)
		return x->what == WHAT_PARAM ? 0 : give_string(x, "");
	char const *const type = v.type ? v.type : "", *const subtype = v.subtype ? v.subtype : "";
	if (x->what == WHAT_PARAM)
		return give_params(x, &v, slot + SLOT_PARAM);
	if (x->what == WHAT_TYPE || disposition)
		return give_string(x, x->what == WHAT_SUBTYPE ? "" : type);
	if (x->what == WHAT_SUBTYPE)
		return give_string(x, subtype);
	stralloc both = STRALLOC_ZERO;
	sa_catf(&both, "%s/%s", type, subtype);
	char const *const s = arena_strndup(a, both.s, both.len);
	stralloc_free(&both);
	return give_string(x, s);
}

static int
give_header(struct fields *x, struct field *f)
{
	return x->what ? give_what(x, f) : match_value(x->match, field_value(&x->m->message, f));
}

int
test_header(struct machine *m, struct call const *call)
{
	struct match match;
	struct fields x = {
	    .m = m, .call = call, .to = call_count(call, 0), .give = give_header, .match = &match};
	x.what = (int)call_choice(call, row_shared(call->row, WITH_WHAT) + SLOT_WHAT, WHAT_RAW);
	if (match_start(&match, m, call, 1) == 0)
		give_all(&x);
	return match_end(&match);
}

/* ---- address
 * ------------------------------------------------------------------------------------------ */

/* The part of an address (RFC 5228 2.7.4, RFC 5233 4): 1 and *t, or 0 if it has none. */
static int
address_part(struct machine *m, unsigned int part, char const *local, char const *domain,
    char const *all, struct text *t)
{
	char const *s = part == PART_ALL ? all : part == PART_DOMAIN ? domain : local;
	if (!s)
		return 0;
	size_t n = strlen(s);
	char const *const separators = m->job->separators ? m->job->separators : "+";
	if (part == PART_USER || part == PART_DETAIL) {
		size_t const user = strcspn(s, separators);
		if (part == PART_USER) {
			n = user;
		} else if (user == n) {
			return 0;
		} else {
			s += user + 1;
			n -= user + 1;
		}
	}
	*t = (struct text){s, n};
	return 1;
}

static int
give_address(struct fields *x, struct field *f)
{
	struct machine *const m = x->m;
	stralloc spec = STRALLOC_ZERO;
	struct text t;
	int r = 0, some = 0;
	for (struct address const *a = field_addresses(&m->message, f); a && !r; a = a->next) {
		if (a->kind != ADDRESS_MAILBOX || a->broken || !a->mailbox || !a->host || !*a->host)
			continue;
		some = 1;
		spec.len = 0;
		address_spec(&spec, a);
		char const *const all =
		    x->part == PART_ALL ? arena_strndup(m->a, spec.s, spec.len) : "";
		if (address_part(m, x->part, a->mailbox, a->host, all, &t))
			r = match_value(x->match, t);
	}
	stralloc_free(&spec);
	/* What is no list of addresses is compared whole, as the text it is. */
	if (!some && !r && x->part == PART_ALL && field_value(&m->message, f).n)
		r = match_value(x->match, field_value(&m->message, f));
	return r;
}

int
test_address(struct machine *m, struct call const *call)
{
	struct match match;
	struct fields x = {
	    .m = m, .call = call, .to = call_count(call, 0), .give = give_address, .match = &match};
	x.part = call_choice(call, row_shared(call->row, WITH_PART) + SLOT_PART, PART_ALL);
	if (match_start(&match, m, call, 1) == 0)
		give_all(&x);
	return match_end(&match);
}

/* ---- exists
 * ----------------------------------------------------------------------------------------- */

static int
give_found(struct fields *x, struct field *f)
{
	(void)x, (void)f;
	return 1;
}

/* RFC 5228 5.5: every one of the names. */
int
test_exists(struct machine *m, struct call const *call)
{
	for (uint32_t i = 0; i < call_count(call, 0); i++) {
		struct fields x = {
		    .m = m, .call = call, .from = i, .to = i + 1, .give = give_found};
		int const r = give_all(&x);
		if (r <= 0)
			return r;
	}
	return 1;
}

/* ---- envelope (RFC 5228 5.4)
 * -------------------------------------------------------------------------- */

static int
give_path(struct machine *m, struct match *match, unsigned int part, char const *path)
{
	struct text t;
	char const *const at = strrchr(path, '@');
	/* The null reverse-path is "", whatever part of it is asked for. */
	if (!*path)
		return match_value(match, (struct text){"", 0});
	char const *const local =
	    arena_strndup(m->a, path, at ? (size_t)(at - path) : strlen(path));
	return address_part(m, part, local, at ? at + 1 : 0, path, &t) ? match_value(match, t) : 0;
}

int
test_envelope(struct machine *m, struct call const *call)
{
	struct match match;
	int r = match_start(&match, m, call, 1);
	unsigned int const part =
	    call_choice(call, row_shared(call->row, WITH_PART) + SLOT_PART, PART_ALL);
	for (uint32_t i = 0; !r && i < call_count(call, 0); i++) {
		struct text const name = machine_item(m, call, 0, i);
		char const *const path =
		    ascii_ieq(name.s, name.n, "from") ? m->job->envelope.from : m->job->envelope.to;
		if (path)
			r = give_path(m, &match, part, path);
	}
	return match_end(&match);
}

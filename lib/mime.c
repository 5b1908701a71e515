#include "lib/mime.h"

#include <string.h>

#include "lib/ascii.h"
#include "lib/lines.h"

/* A place in the message, and what the octets before it come to on the wire. */
struct mark {
	size_t at;
	uint32_t lines; /* line ends before it */
	uint64_t bare;	/* those of them without a CR */
};

struct boundary {
	struct mime_part *part;
	char const *text;
	size_t len;
};

struct parser {
	struct arena *a;
	char const *msg;
	size_t n;
	unsigned int parts;
	struct mark here; /* the beginning of a line */
	/* Multiparts whose boundaries count, outermost first. */
	struct boundary open[MIME_DEPTH_MAX];
	unsigned int opened;
	int mime;			      /* the header being read has a MIME-Version */
	size_t fields;			      /* octets of fields that may still be kept */
	struct mark body[MIME_DEPTH_MAX + 1]; /* by level: where the body began */
};

/* Goes on to where another line begins, or to the end of the message. */
static void
go_to(struct parser *p, size_t at)
{
	struct lines const passed = lines_count(p->msg + p->here.at, at - p->here.at, 0);
	p->here.at = at;
	p->here.lines += (uint32_t)passed.ends;
	p->here.bare += passed.bare;
}

/* Behind the line at p->here. */
static void
next_line(struct parser *p)
{
	char const *const from = p->msg + p->here.at;
	char const *const lf = memchr(from, '\n', p->n - p->here.at);
	go_to(p, lf ? (size_t)(lf - p->msg) + 1 : p->n);
}

/* The end of the line before p->here, its line end excluded; there is such a line, and it has one.
 */
static struct mark
line_before(struct parser const *p)
{
	struct mark m = p->here;
	int const cr = m.at > 1 && p->msg[m.at - 2] == '\r';
	m.at -= 1 + (size_t)cr;
	m.lines--;
	m.bare -= !cr;
	return m;
}

/* The open multipart whose boundary begins the line at `at`: its index, or -1. RFC 2046 5.1.1:
 * the boundary need only be the line's beginning; where several match, the longest is meant, and
 * the innermost of equal ones. */
static int
boundary_at(struct parser const *p, size_t at, int *closing)
{
	char const *s = p->msg + at;
	size_t left = p->n - at, best = 0;
	int found = -1;
	if (left < 2 || s[0] != '-' || s[1] != '-')
		return -1;
	s += 2;
	left -= 2;
	for (int i = (int)p->opened - 1; i >= 0; i--) {
		struct boundary const *b = &p->open[i];
		if ((b->len > best || found < 0) && b->len <= left && !memcmp(b->text, s, b->len)) {
			found = i;
			best = b->len;
		}
	}
	*closing = found >= 0 && left - best >= 2 && s[best] == '-' && s[best + 1] == '-';
	return found;
}

/* Goes on to a boundary line or to the end of the message. */
static int
skip_body(struct parser *p, int *closing)
{
	size_t at = p->here.at;
	int found = -1;
	while (p->opened && (found = boundary_at(p, at, closing)) < 0) {
		char const *const line = lines_dashes(p->msg + at, p->n - at);
		if (!line)
			break;
		at = (size_t)(line - p->msg);
	}
	go_to(p, found < 0 ? p->n : at);
	return found;
}

/* Keeps a Content-* field, the first of its name. 1 if the field is MIME-Version. */
static int
note_field(struct parser *p, struct mime_part *part, struct header_field const *f)
{
	static char const names[MIME_FIELDS][20] = {
	    [MIME_CONTENT_TYPE] = "type",
	    [MIME_CONTENT_ENCODING] = "transfer-encoding",
	    [MIME_CONTENT_ID] = "id",
	    [MIME_CONTENT_DESCRIPTION] = "description",
	    [MIME_CONTENT_DISPOSITION] = "disposition",
	    [MIME_CONTENT_LANGUAGE] = "language",
	    [MIME_CONTENT_LOCATION] = "location",
	    [MIME_CONTENT_MD5] = "md5",
	};
	if (f->name_len < 10 || !ascii_ieq(f->name, 8, "content-"))
		return header_is(f, "mime-version");
	for (unsigned int i = 0; i < MIME_FIELDS; i++)
		if (ascii_ieq(f->name + 8, f->name_len - 8, names[i])) {
			if (!part->fields[i].start && f->len <= p->fields) {
				part->fields[i] = *f;
				p->fields -= f->len;
			}
			return 0;
		}
	return 0;
}

/* A part's header is [start, end). */
static void
header_ends(
    struct parser *p, struct mime_part *part, struct mark const *start, struct mark const *end)
{
	part->header = start->at;
	part->body = end->at;
	part->header_lines = end->lines - start->lines;
	part->header_wire = part->body - part->header + (end->bare - start->bare);
	p->body[part->level] = *end;
}

/* A part's header, from p->here: 1, or 0 if a boundary line ends it. */
static int
parse_header(struct parser *p, struct mime_part *part)
{
	struct mark const start = p->here;
	struct header_cursor c;
	struct header_field f;
	int closing, cut = 0;
	p->mime = 0;
	header_start(&c, p->msg + start.at, p->n - start.at);
	while (!(cut = p->opened && boundary_at(p, (size_t)(c.p - p->msg), &closing) >= 0) &&
	       header_next(&c, &f))
		p->mime |= note_field(p, part, &f);
	go_to(p, (size_t)(c.p - p->msg));
	header_ends(p, part, &start, &p->here);
	/* RFC 2045 4: without a sign of MIME, Content-* fields of a message mean nothing. */
	if (!p->mime && !part->fields[MIME_CONTENT_TYPE].start &&
	    (!part->parent || part->parent->kind == MIME_MESSAGE))
		memset(part->fields, 0, sizeof part->fields);
	return !cut;
}

static struct mime_part *
part_new(struct parser *p, struct mime_part *parent)
{
	struct mime_part *part = arena_zalloc(p->a, sizeof *part);
	part->parent = parent;
	part->level = parent ? parent->level + 1 : 0;
	p->parts++;
	return part;
}

static void
part_end(struct parser const *p, struct mime_part *part, struct mark const *end)
{
	struct mark const *body = &p->body[part->level];
	if (end->at < body->at)
		end = body;
	part->end = end->at;
	part->body_lines = end->lines - body->lines;
	part->body_wire = end->at - body->at + (end->bare - body->bare);
}

/* Does the field's body begin with this word? */
static int
begins(struct header_field const *f, char const *word)
{
	char const *s = f->body;
	size_t n = f->body_len, len = strlen(word);
	if (!f->start)
		return 0;
	ascii_trim(&s, &n);
	/* A comment may stand in front; then the full reader has to look. */
	return n && (*s == '(' || (n >= len && ascii_ieq(s, len, word)));
}

/* What the part is, and its boundary, if it is a multipart that has one. */
static void
classify(struct parser *p, struct mime_part *part)
{
	struct header_field const *f = &part->fields[MIME_CONTENT_TYPE];
	int const digest = part->parent && part->parent->digest;
	struct mime_value *v;
	if (part->level + 1 >= MIME_DEPTH_MAX)
		return;
	if (!f->start && digest)
		part->kind = MIME_MESSAGE;
	if (!begins(f, "multipart") && !begins(f, "message"))
		return;
	v = arena_alloc(p->a, sizeof *v);
	if (mime_content_type(p->a, f, v))
		return;
	part->type = v;
	if (!strcasecmp(v->type, "message"))
		part->kind = strcasecmp(v->subtype, "rfc822") ? MIME_LEAF : MIME_MESSAGE;
	if (strcasecmp(v->type, "multipart"))
		return;
	part->kind = MIME_MULTIPART;
	part->digest = !strcasecmp(v->subtype, "digest");
	int extended;
	char const *text = mime_param(v, "boundary", &extended);
	if (!text || extended)
		return;
	size_t const len = strlen(text);
	p->open[p->opened++] =
	    (struct boundary){part, text, len < MIME_BOUNDARY_MAX ? len : MIME_BOUNDARY_MAX};
}

/* A new last child, unless there are too many parts. */
static struct mime_part *
add_child(struct parser *p, struct mime_part *parent, struct mime_part **last)
{
	if (p->parts >= MIME_PARTS_MAX)
		return 0;
	struct mime_part *part = part_new(p, parent);
	*last = part;
	parent->count++;
	return part;
}

/* Where the next child of part is to be hung. The last child is the part that just ended. */
static struct mime_part **
child_slot(struct mime_part *part, struct mime_part *ended)
{
	while (ended != part && ended->parent != part)
		ended = ended->parent;
	return ended == part ? &part->children : &ended->next;
}

/* The header of part and of the messages it begins with: the part in whose body p->here is. */
static struct mime_part *
enter(struct parser *p, struct mime_part *part)
{
	for (;;) {
		struct mark const start = p->here;
		int const outer = (int)p->opened;
		int closing, whole = parse_header(p, part);
		classify(p, part);
		if (!whole)
			p->opened = (unsigned int)outer;
		/* No body: the line end before a boundary line belongs to that (RFC 2046 5.1.1). */
		int const found = p->opened ? boundary_at(p, p->here.at, &closing) : -1;
		if (found >= 0 && found < outer && p->here.at > start.at) {
			struct mark const end = line_before(p);
			header_ends(p, part, &start, &end);
		}
		struct mime_part *inner = 0;
		if (part->kind == MIME_MESSAGE)
			inner = add_child(p, part, &part->children);
		if (!inner)
			return part;
		part = inner;
	}
}

struct mime_part *
mime_parse(struct arena *a, char const *msg, size_t n)
{
	struct parser p = {.a = a, .msg = msg, .n = n, .fields = MIME_FIELDS_OCTETS};
	struct mime_part *root = part_new(&p, 0);
	struct mime_part *part = enter(&p, root);
	int found, closing;
	while ((found = skip_body(&p, &closing)) >= 0) {
		if (p.parts >= MIME_PARTS_MAX) { /* all that follows is the last part's text */
			next_line(&p);
			continue;
		}
		struct mime_part *const multipart = p.open[found].part;
		struct mime_part **const slot = child_slot(multipart, part);
		struct mark const end = line_before(&p);
		for (; part != multipart; part = part->parent)
			part_end(&p, part, &end);
		next_line(&p);
		struct mime_part *child = closing ? 0 : add_child(&p, multipart, slot);
		p.opened = (unsigned int)found + (child != 0);
		if (child)
			part = enter(&p, child);
	}
	for (; part; part = part->parent)
		part_end(&p, part, &p.here);
	return root;
}

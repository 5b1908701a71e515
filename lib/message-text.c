#include "lib/message-text.h"

#include <string.h>

#include "lib/imap-text.h"
#include "lib/message-preview.h"
#include "lib/message-sort.h"
#include "lib/message-thread.h"
#include "lib/sa.h"
#include "lib/wire.h"

int
message_text_common(char const *name, size_t len)
{
	return header_name(name, len) != HEADER_OTHER;
}

#define USUAL_OCTETS 4000 /* of all texts of one message */

/* One message: its texts, one behind the other in out, then copied to the arena at once. */
struct maker {
	struct message_texts *t;
	struct arena *a;
	stralloc out;
	size_t from[TEXT_KINDS];
	charset_open_fn *otherwise;
	struct envelope envelope;
	struct header_field references;
};

static void
begin(struct maker *m, enum message_text kind)
{
	m->from[kind] = m->out.len;
}

static void
keep(struct maker *m, enum message_text kind, size_t len)
{
	if (len > MESSAGE_TEXT_MAX)
		return;
	m->t->has |= 1u << kind;
	m->t->len[kind] = (uint32_t)len;
}

static void
end(struct maker *m, enum message_text kind, int bad)
{
	if (!bad)
		keep(m, kind, m->out.len - m->from[kind]);
	if (!(m->t->has >> kind & 1))
		m->out.len = m->from[kind];
}

static void
put_field(stralloc *out, struct header_field const *f)
{
	wire_put_imap(out, f->start, f->len);
	if (f->start[f->len - 1] != '\n')
		sa_cats(out, "\r\n");
}

/* The header, once, for all that is made of it. */
static void
read_header(struct maker *m, char const *header, size_t n, unsigned int kinds)
{
	struct header_cursor c;
	struct header_field f;
	int const headers = (kinds >> TEXT_HEADERS & 1) && n <= IMAP_HEADER_MAX;
	begin(m, TEXT_HEADERS);
	header_start(&c, header, n < IMAP_HEADER_MAX ? n : IMAP_HEADER_MAX);
	while (header_next(&c, &f)) {
		enum header_name const name = header_name(f.name, f.name_len);
		if (name == HEADER_OTHER)
			continue;
		envelope_field(&m->envelope, m->a, name, &f);
		if (name == HEADER_REFERENCES && !m->references.start)
			m->references = f;
		if (headers)
			put_field(&m->out, &f);
	}
	end(m, TEXT_HEADERS, !headers);
}

static void
make_header_texts(struct maker *m, char const *msg, size_t body, unsigned int kinds)
{
	struct header_field const *const text = m->envelope.text;
	if (!(kinds & TEXT_FROM_HEADER))
		return;
	read_header(m, msg, body, kinds);
	if (kinds >> TEXT_ENVELOPE & 1) {
		begin(m, TEXT_ENVELOPE);
		envelope_put(&m->out, &m->envelope);
		end(m, TEXT_ENVELOPE, 0);
	}
	if (kinds >> TEXT_SORT & 1) {
		begin(m, TEXT_SORT);
		end(m, TEXT_SORT, message_sort_put(&m->out, &m->envelope, m->otherwise));
	}
	if (kinds >> TEXT_THREAD & 1) {
		begin(m, TEXT_THREAD);
		message_thread_put(&m->out, &text[HEADER_MESSAGE_ID - ENVELOPE_FIRST],
		    &m->references, &text[HEADER_IN_REPLY_TO - ENVELOPE_FIRST]);
		end(m, TEXT_THREAD, 0);
	}
}

static void
make_body_texts(struct maker *m, char const *msg, size_t n, unsigned int kinds)
{
	if (!(kinds & ~TEXT_FROM_HEADER))
		return;
	struct mime_part const *const root = mime_parse(m->a, msg, n);
	if (kinds & (1u << TEXT_BODY | 1u << TEXT_BODYSTRUCTURE)) {
		begin(m, TEXT_BODYSTRUCTURE);
		size_t const len = imap_structures(&m->out, m->a, msg, root);
		keep(m, TEXT_BODYSTRUCTURE, len);
		m->from[TEXT_BODY] = m->from[TEXT_BODYSTRUCTURE] + len;
		end(m, TEXT_BODY, 0);
	}
	if (kinds >> TEXT_PREVIEW & 1) {
		begin(m, TEXT_PREVIEW);
		end(m, TEXT_PREVIEW, message_preview_put(&m->out, m->a, msg, root, m->otherwise));
	}
}

void
message_texts_make_by(struct message_texts *t, struct arena *a, char const *msg, size_t n,
    size_t body, unsigned int kinds, charset_open_fn *otherwise)
{
	struct maker m = {.t = t, .a = a, .otherwise = otherwise};
	*t = (struct message_texts){0};
	sa_room(&m.out, USUAL_OCTETS);
	make_header_texts(&m, msg, body, kinds);
	make_body_texts(&m, msg, n, kinds);
	t->has &= kinds;
	char const *const s = arena_strndup(a, m.out.len ? m.out.s : "", m.out.len);
	for (unsigned int k = 0; k < TEXT_KINDS; k++)
		if (t->has >> k & 1)
			t->s[k] = s + m.from[k];
	stralloc_free(&m.out);
}

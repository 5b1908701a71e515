#include "sieve/edit.h"

#include <stdint.h>
#include <string.h>

#include "lib/ascii.h"
#include "lib/sa.h"
#include "sieve/compose.h"
#include "sieve/sieve.h"

/* RFC 5293 6, RFC 5703 5; and what tells of the way that a message has taken here. */
static char const *const protected[] = {"Received", "Auto-Submitted", "Original-Subject",
    "Original-From", "Return-Path", "Delivered-To"};

static int
is_protected(char const *name, size_t n)
{
	for (size_t i = 0; i < sizeof protected / sizeof *protected; i++)
		if (ascii_ieq(name, n, protected[i]))
			return 1;
	return 0;
}

int
sieve_edit_name_valid(char const *name, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (name[i] <= ' ' || name[i] > 126 || name[i] == ':')
			return 0;
	return n > 0;
}

static void
insert(struct sieve_edit *e, unsigned int at, struct header_field const *f)
{
	if (e->count == e->room) {
		struct header_field *const wider =
		    arena_alloc(e->a, (e->room * 2 + 32) * sizeof *wider);
		if (e->count)
			memcpy(wider, e->field, e->count * sizeof *wider);
		e->field = wider;
		e->room = e->room * 2 + 32;
	}
	memmove(e->field + at + 1, e->field + at, (e->count - at) * sizeof *e->field);
	e->field[at] = *f;
	e->count++;
}

void
sieve_edit_begin(struct sieve_edit *e, struct arena *a, char const *msg, size_t n)
{
	struct header_cursor c;
	struct header_field f;
	char const *end = msg;
	*e = (struct sieve_edit){.a = a};
	header_start(&c, msg, n);
	while (e->count < SIEVE_FIELDS_MAX && header_next(&c, &f)) {
		insert(e, e->count, &f);
		end = f.start + f.len;
	}
	e->body = end;
	e->body_len = (size_t)(msg + n - end);
	char const *const lf = memchr(msg, '\n', n);
	e->crlf = lf && lf > msg && lf[-1] == '\r';
}

static void
with_crlf(stralloc *s)
{
	stralloc to = STRALLOC_ZERO;
	for (size_t i = 0; i < s->len; i++) {
		if (s->s[i] == '\n')
			sa_append(&to, '\r');
		sa_append(&to, s->s[i]);
	}
	stralloc_free(s);
	*s = to;
}

/* The header's last field, whose line end may be missing: the next one begins a line. */
static void
end_line(struct sieve_edit *e)
{
	struct header_field *const f = &e->field[e->count - 1];
	if (f->start[f->len - 1] == '\n')
		return;
	stralloc s = STRALLOC_ZERO;
	sa_copyb(&s, f->start, f->len);
	sa_cats(&s, e->crlf ? "\r\n" : "\n");
	struct header_cursor c;
	header_start(&c, arena_strndup(e->a, s.s, s.len), s.len);
	header_next(&c, f);
	stralloc_free(&s);
}

int
sieve_edit_add(struct sieve_edit *e, char const *name, char const *value, int last)
{
	stralloc s = STRALLOC_ZERO;
	struct header_cursor c;
	struct header_field f;
	if (!sieve_edit_name_valid(name, strlen(name)) || is_protected(name, strlen(name)))
		return 0;
	if (e->added == SIEVE_EDITS_MAX)
		return -1;
	compose_field(&s, name, value, strlen(value));
	if (e->crlf)
		with_crlf(&s);
	header_start(&c, arena_strndup(e->a, s.s, s.len), s.len);
	header_next(&c, &f);
	stralloc_free(&s);
	if (last && e->count)
		end_line(e);
	insert(e, last ? e->count : 0, &f);
	e->added++;
	e->changed = 1;
	return 1;
}

int
sieve_edit_delete(struct sieve_edit *e, unsigned int i)
{
	if (is_protected(e->field[i].name, e->field[i].name_len))
		return 0;
	e->count--;
	memmove(e->field + i, e->field + i + 1, (e->count - i) * sizeof *e->field);
	e->changed = 1;
	return 1;
}

int
sieve_edit_find(struct sieve_edit const *e, char const *name, uint64_t nth, int last)
{
	for (unsigned int k = 0; k < e->count; k++) {
		unsigned int const i = last ? e->count - 1 - k : k;
		if (header_is(&e->field[i], name) && !--nth)
			return (int)i;
	}
	return -1;
}

struct sieve_edition const *
sieve_edit_result(struct sieve_edit const *e)
{
	if (!e->changed)
		return 0;
	struct sieve_edition *const made = arena_alloc(e->a, sizeof *made);
	struct sieve_piece *const piece = arena_alloc(e->a, (e->count + 2) * sizeof *piece);
	unsigned int n = 0;
	for (unsigned int i = 0; i < e->count; i++) {
		struct header_field const *const f = &e->field[i];
		/* What stands together in memory is one piece. */
		if (n && piece[n - 1].s + piece[n - 1].n == f->start)
			piece[n - 1].n += f->len;
		else
			piece[n++] = (struct sieve_piece){f->start, f->len};
	}
	/* A message that was its header alone gets the empty line that a body could follow. */
	if (!e->body_len)
		piece[n++] =
		    e->crlf ? (struct sieve_piece){"\r\n", 2} : (struct sieve_piece){"\n", 1};
	else
		piece[n++] = (struct sieve_piece){e->body, e->body_len};
	*made = (struct sieve_edition){.count = n, .pieces = piece};
	return made;
}

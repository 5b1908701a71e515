/* Makes the columns of postern-keys from the messages' texts. Private memory: 16 octets for each
 * message while a column is put in order, 4 while texts are taken. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/casemap.h"
#include "lib/field-text.h"
#include "lib/imap-text.h"
#include "lib/sa.h"
#include "lib/sort-items.h"
#include "maildir/filesystem.h"
#include "maildir/folder-keys.h"
#include "maildir/folder-state.h"

struct maker {
	struct folder *f;
	struct keys_writer w;
	keys_text_fn *text;
	void *arg;
	uint32_t rows;
	int unreadable; /* a message, so that the file is not worth another try */
	enum keys_column c;
	struct sort_item *item;
	unsigned char
	    *starts; /* a bit for each place in the order at which another string begins */
	stralloc line, plain, mapped;
};

/* ---- what is sorted by ------------------------------------------------------------------------
 */

/* 1 or 0: it cannot be read, and m->unreadable says whether it ever can; or the file failed. */
static int
take_text(struct maker *m, uint32_t i, enum message_text which, char const **s, size_t *len)
{
	if (m->w.failed)
		return 0;
	int const r = m->text(m->arg, i, which, s, len);
	m->unreadable |= r == KEYS_UNREADABLE;
	if (r == KEYS_TEXT && !*s)
		*s = "";
	return r == KEYS_TEXT;
}

/* 1 or 0: the message cannot be read. */
static int
sort_keys(struct maker *m, uint32_t i, struct message_sort *k)
{
	char const *s;
	size_t len;
	if (!take_text(m, i, TEXT_SORT, &s, &len))
		return 0;
	if (!message_sort_keys(k, s, len))
		*k = (struct message_sort){.date = INT64_MIN,
		    .subject = "",
		    .from = "",
		    .to = "",
		    .cc = "",
		    .display_from = "",
		    .display_to = ""};
	return 1;
}

static void
write_order(struct maker *m)
{
	for (uint32_t r = 0; r < m->rows; r++)
		keys_write(&m->w, &m->item[r].i, sizeof m->item[r].i);
}

static int
make_dates(struct maker *m)
{
	struct message_sort k;
	for (uint32_t r = 0; r < m->rows; r++) {
		if (!sort_keys(m, r, &k))
			return 0;
		keys_write(&m->w, &k.date, sizeof k.date);
		m->item[r] = (struct sort_item){(uint64_t)k.date ^ (uint64_t)1 << 63, 0, r};
	}
	sort_items(m->item, m->rows);
	write_order(m);
	return 1;
}

char const *
keys_string(struct message_sort const *k, enum keys_column c, size_t *len)
{
	switch (c) {
	case KEYS_SUBJECT:
		return *len = k->subject_len, k->subject;
	case KEYS_FROM:
		return *len = k->from_len, k->from;
	case KEYS_TO:
		return *len = k->to_len, k->to;
	case KEYS_CC:
		return *len = k->cc_len, k->cc;
	case KEYS_DISPLAYFROM:
		return *len = k->display_from_len, k->display_from;
	default:
		return *len = k->display_to_len, k->display_to;
	}
}

/* Places [lo, hi), which are equal in the octets before `from`. */
static int
order_run(struct maker *m, uint32_t lo, uint32_t hi, size_t from)
{
	struct message_sort k;
	size_t len;
	for (uint32_t r = lo; r < hi; r++) {
		if (!sort_keys(m, m->item[r].i, &k))
			return 0;
		char const *const s = keys_string(&k, m->c, &len);
		sort_item_chunk(&m->item[r], s, len, from);
	}
	sort_items(m->item + lo, hi - lo);
	for (uint32_t end; lo < hi; lo = end) {
		struct sort_item const *const t = &m->item[lo];
		for (end = lo + 1;
		     end < hi && m->item[end].key == t->key && m->item[end].more == t->more; end++)
			;
		int const last = !(t->more & 255);
		for (uint32_t r = lo + 1; r < end && last; r++)
			m->starts[r / 8] &= (unsigned char)~(1u << (r % 8));
		if (!last && end - lo > 1 && !order_run(m, lo, end, from + SORT_CHUNK))
			return 0;
	}
	return 1;
}

/* The strings' places by row, then the rows in order: of the same string by row, too. */
static void
write_places(struct maker *m)
{
	uint32_t place = 0;
	for (uint32_t r = 0; r < m->rows; r++) {
		place += m->starts[r / 8] >> (r % 8) & 1;
		m->item[r] = (struct sort_item){m->item[r].i, place, m->item[r].i};
	}
	sort_items(m->item, m->rows);
	for (uint32_t r = 0; r < m->rows; r++) {
		keys_write(&m->w, &m->item[r].more, sizeof m->item[r].more);
		m->item[r] = (struct sort_item){m->item[r].more, 0, m->item[r].i};
	}
	sort_items(m->item, m->rows);
	write_order(m);
}

static int
make_strings(struct maker *m)
{
	m->starts = xmalloc(m->rows / 8 + 1);
	memset(m->starts, 0xff, m->rows / 8 + 1);
	for (uint32_t r = 0; r < m->rows; r++)
		m->item[r].i = r;
	int const ok = order_run(m, 0, m->rows, 0);
	if (ok)
		write_places(m);
	free(m->starts);
	return ok;
}

/* ---- threads ----------------------------------------------------------------------------------
 */

/* A message's own id, and with refs its references, which are written. */
static int
take_ids(struct maker *m, uint32_t i, struct keys_thread *t, int refs)
{
	char const *id, *s;
	size_t len, id_len, at = 0;
	if (!take_text(m, i, TEXT_THREAD, &s, &len))
		return 0;
	t->id = t->count = 0;
	if (message_thread_keys(s, len, &at, &id, &id_len) && id_len)
		t->id = keys_hash(&m->w.h.key, id, id_len);
	while (message_thread_keys(s, len, &at, &id, &id_len)) {
		uint64_t const h = id_len ? keys_hash(&m->w.h.key, id, id_len) : 0;
		if (refs)
			keys_write(&m->w, &h, sizeof h);
		t->count++;
	}
	return 1;
}

static int
make_threads(struct maker *m)
{
	struct keys_thread t = {0};
	struct message_sort k;
	for (uint32_t r = 0; r < m->rows; r++) {
		t.refs += t.count;
		if (!take_ids(m, r, &t, 0) || !sort_keys(m, r, &k))
			return 0;
		t.subject = keys_subject(&m->w.h.key, &k);
		keys_write(&m->w, &t, sizeof t);
	}
	for (uint32_t r = 0; r < m->rows; r++)
		if (!take_ids(m, r, &t, 1))
			return 0;
	return 1;
}

/* ---- texts ------------------------------------------------------------------------------------
 */

static void
put_mapped(struct maker *m, size_t from)
{
	m->mapped.len = 0;
	casemap_unicode(&m->mapped, m->plain.s + from, m->plain.len - from);
	sa_catb(&m->mapped, "", 1);
	keys_write(&m->w, m->mapped.s, m->mapped.len);
}

/* The texts of the fields of this name, case-mapped, each ended by a zero octet; once more with
 * single blanks if it has others. How many octets; UINT32_MAX: the message cannot be read. */
static uint32_t
put_fields(struct maker *m, uint32_t i, char const *name)
{
	struct header_cursor c;
	struct header_field f;
	size_t len;
	uint64_t const at = m->w.at;
	char const *s;
	if (!take_text(m, i, TEXT_HEADERS, &s, &len))
		return UINT32_MAX;
	header_start(&c, s, len < IMAP_HEADER_MAX ? len : IMAP_HEADER_MAX);
	while (header_next(&c, &f)) {
		if (!header_is(&f, name))
			continue;
		m->plain.len = 0;
		field_text(&m->plain, &m->line, &f);
		put_mapped(m, 0);
		size_t const before = m->plain.len;
		field_text_squeeze(&m->plain, 0);
		if (m->plain.len < before)
			put_mapped(m, 0);
	}
	return m->w.at - at < UINT32_MAX ? (uint32_t)(m->w.at - at) : UINT32_MAX;
}

static int
make_fields(struct maker *m)
{
	static char const zeros[4];
	uint32_t *const end = (uint32_t *)m->item, at = 0;
	for (uint32_t r = 0; r < m->rows; r++) {
		uint32_t const n = put_fields(m, r, keys_fields[m->c - KEYS_IN_SUBJECT]);
		if (n == UINT32_MAX || __builtin_add_overflow(at, n, &at))
			return 0;
		end[r] = at;
	}
	keys_write(&m->w, zeros, -at & 3);
	keys_write(&m->w, end, m->rows * sizeof *end);
	return 1;
}

/* ---- the file ---------------------------------------------------------------------------------
 */

static int
make_rows(struct maker *m)
{
	for (uint32_t i = 0; i < m->rows; i++) {
		struct record const *const r = folder_at(m->f, folder_position(m->f, i));
		struct keys_row const row = {r->uid, r->hash};
		keys_write(&m->w, &row, sizeof row);
	}
	return 1;
}

static int
make_column(struct maker *m)
{
	if (m->c == KEYS_ROWS)
		return make_rows(m);
	if (m->c == KEYS_DATE)
		return make_dates(m);
	if (m->c == KEYS_THREAD)
		return make_threads(m);
	return m->c < KEYS_THREAD ? make_strings(m) : make_fields(m);
}

static int
make(struct maker *m, struct keys *old, unsigned int columns)
{
	size_t len;
	m->item = xmalloc(((size_t)m->rows + 1) * sizeof *m->item);
	int ok = 1;
	for (unsigned int c = 0; c < KEYS_COLUMNS && ok; c++) {
		void const *const s = old->map ? keys_column(old, c, &len) : 0;
		m->c = c;
		if (s || c == KEYS_ROWS || columns >> c & 1)
			keys_write_column(&m->w, c);
		if (s)
			keys_write(&m->w, s, len);
		else if (c == KEYS_ROWS || columns >> c & 1)
			ok = make_column(m);
	}
	free(m->item);
	stralloc_free(&m->line);
	stralloc_free(&m->plain);
	stralloc_free(&m->mapped);
	return ok;
}

/* Those that a file has: they were asked for. */
static unsigned int
present(struct keys const *k)
{
	unsigned int columns = 0;
	for (unsigned int c = 0; k->map && c < KEYS_COLUMNS; c++)
		columns |= (unsigned int)!!k->h.place[c].len << c;
	return columns;
}

/* The header; old: closed, unless its columns do for the messages of now. All that it has will be
 * made again. */
static int
begin(struct maker *m, struct folder_keys *old, unsigned int *columns)
{
	struct folder *const f = m->f;
	struct keys_header h = {.validity = f->validity, .rows = m->rows};
	if (m->rows == f->index.count && m->rows == f->announced && !f->gaps.count)
		h.snapshot = f->index.id;
	int const same =
	    folder_keys_open(old, f, 0) && old->covered == m->rows && old->file.h.rows == m->rows;
	*columns |= present(&old->file);
	if (!same)
		folder_keys_close(old);
	else
		h.key = old->file.h.key;
	if (!same && siphash_key(&h.key) < 0)
		return -1;
	return keys_write_begin(&m->w, f->fd_dir, &h);
}

int
folder_keys_make(
    struct folder_keys *k, struct folder *f, unsigned int columns, keys_text_fn *text, void *arg)
{
	struct folder_keys old;
	struct maker m = {.f = f, .text = text, .arg = arg, .rows = folder_count(f)};
	if (!f->no_keys && !f->no_index && !filesystem_network(f->fd_dir)) {
		unsigned int all = columns;
		int const begun = !begin(&m, &old, &all), whole = begun && make(&m, &old.file, all);
		f->no_keys = !begun || m.w.failed || m.unreadable;
		if (begun && keys_write_end(&m.w, whole) < 0 && whole)
			f->no_keys = 1;
		folder_keys_close(&old);
	}
	return folder_keys_open(k, f, columns);
}

/* What stands behind the name of a search key. */
#include "imap/search.h"

#include <string.h>

#include "imap/flags.h"
#include "imap/limits.h"
#include "lib/ascii.h"
#include "lib/charset.h"
#include "lib/date.h"
#include "lib/sa.h"
#include "maildir/name.h"

/* A sequence-set, or "$" (RFC 5182 section 3, seq-last-command). */
int
search_argument_set(struct parse *p, struct search_key *k, enum search_numbers numbers)
{
	k->numbers = numbers;
	if (parse_take(p, '$')) {
		k->numbers = NUMBERS_SAVED;
		return 1;
	}
	if (!parse_set(p, &k->given))
		return 0;
	k->set = set_copy(p->arena, &k->given);
	return 1;
}

/* A UID: the set is of those above it, or of those below (RFC 9738 3.2). */
int
search_argument_bound(struct parse *p, struct search_key *k, int above)
{
	uint32_t uid;
	if (!parse_sp(p) || !parse_nznumber(p, &uid))
		return 0;
	k->numbers = NUMBERS_UID;
	k->given = (struct set){
	    arena_alloc(p->arena, sizeof *k->given.r), uid != (above ? UINT32_MAX : 1)};
	*k->given.r = above ? (struct range){uid + 1, UINT32_MAX} : (struct range){1, uid - 1};
	k->set = set_copy(p->arena, &k->given);
	return 1;
}

/* A keyword, which may be the one that has a flag letter. */
int
search_argument_keyword(struct parse *p, struct search_key *k)
{
	if (!parse_sp(p) || !parse_atom(p, &k->keyword))
		return 0;
	if (ascii_ieq(k->keyword.s, k->keyword.len, "$Forwarded")) {
		k->kind = SEARCH_FLAGS;
		k->mask = k->want = FLAG_PASSED;
	}
	return 1;
}

int
search_argument_date(struct parse *p, struct search_key *k)
{
	struct text t;
	int64_t when;
	if (!parse_sp(p) || !parse_astring(p, &t))
		return 0;
	if (date_search_parse(t.s, t.len, &when) < 0)
		return parse_fail(p, "Invalid date");
	k->day = when / 86400 - (when % 86400 < 0);
	return 1;
}

/* RFC 7162 3.1.5: [entry-name entry-type-req] mod-sequence-valzer. All of a message's metadata has
 * one modseq here, so the entry says nothing. */
int
search_argument_modseq(struct parse *p, struct search *q, struct search_key *k)
{
	struct text entry;
	q->modseq = 1;
	if (!parse_sp(p))
		return 0;
	if (parse_peek(p) == '"') {
		if (!parse_string(p, &entry) || !parse_sp(p))
			return 0;
		if (!parse_take_word(p, "priv") && !parse_take_word(p, "shared") &&
		    !parse_take_word(p, "all"))
			return parse_fail(p, "Entry type expected");
		if (!parse_sp(p))
			return 0;
	}
	return parse_number64(p, &k->modseq);
}

/* RFC 8474 section 7, objectid. */
int
search_argument_id(struct parse *p, struct search_key *k)
{
	return parse_sp(p) && parse_astring(p, &k->text);
}

int
search_argument_charset(struct parse *p, struct search *q)
{
	stralloc none = STRALLOC_ZERO;
	if (!parse_astring(p, &q->charset) || !parse_sp(p))
		return 0;
	q->badcharset =
	    charset_to_utf8(&none, q->charset.s, q->charset.len, "", 0, charset_iconv) < 0;
	stralloc_free(&none);
	return 1;
}

static void
add_text(struct parse *p, struct search *q, struct search_key *k)
{
	if (!(q->text_count & (q->text_count - 1))) {
		/* A power of two: the room doubles. */
		size_t room = q->text_count ? 2 * q->text_count : 1;
		struct search_key **more = arena_alloc(p->arena, room * sizeof *more);
		if (q->text_count)
			memcpy(more, q->texts, q->text_count * sizeof *more);
		q->texts = more;
	}
	q->texts[q->text_count++] = k;
}

/* The longest part of the text that no fold, no tab and nothing that is put into a field's text can
 * break. */
static void
find_quick(struct search_key *k)
{
	char const *const s = k->text.s;
	size_t from = 0, len = 0;
	for (size_t i = 0, n; i < k->text.len; i += n ? n : 1) {
		for (n = 0; i + n < k->text.len && s[i + n] > ' ' && s[i + n] < 127 &&
			    s[i + n] != ':' && s[i + n] != '=' && s[i + n] != '?';)
			n++;
		if (n > len) {
			from = i;
			len = n;
		}
	}
	k->quick_len = (int)len;
	k->quick_whole = len == k->text.len;
	if (len)
		(void)matcher_init(&k->quick, s + from, len);
}

/* A string in UTF-8, and a matcher for it. */
int
search_argument_text(struct parse *p, struct search *q, struct search_key *k)
{
	stralloc sa = STRALLOC_ZERO;
	if (!parse_sp(p) || !parse_astring(p, &k->text))
		return 0;
	if (q->charset.s && !q->badcharset) {
		if (charset_to_utf8(&sa, q->charset.s, q->charset.len, k->text.s, k->text.len,
			charset_iconv) < 0)
			q->badcharset = 1;
		k->text.s = arena_strndup(p->arena, sa.s, sa.len);
		k->text.len = sa.len;
		stralloc_free(&sa);
	}
	if (matcher_init(&k->matcher, k->text.s, k->text.len) < 0)
		return parse_fail(p, "Search string too long");
	find_quick(k);
	add_text(p, q, k);
	return 1;
}

void
search_free(struct search *q)
{
	for (size_t i = 0; i < q->text_count; i++) {
		matcher_free(&q->texts[i]->matcher);
		matcher_free(&q->texts[i]->quick);
		stralloc_free(&q->texts[i]->line);
		stralloc_free(&q->texts[i]->decoded);
	}
	q->text_count = 0;
}

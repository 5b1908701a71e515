#include "imap/messages.h"

#include "imap/saved.h"
#include "lib/sa.h"

void
messages_resolve(struct folder *f, struct set *set, int uid)
{
	uint32_t count = folder_count(f);
	size_t n = 0;
	set_resolve(set, uid && count ? folder_uid(f, count - 1) : count);
	for (size_t k = 0; k < set->n; k++) {
		uint32_t lo = set->r[k].lo, hi = set->r[k].hi;
		if (uid) {
			lo = folder_find(f, lo);
			hi = hi == UINT32_MAX ? count : folder_find(f, hi + 1);
		} else {
			lo = lo ? lo - 1 : 0; /* "*" of an empty folder */
			hi = hi < count ? hi : count;
		}
		if (lo < hi)
			set->r[n++] = (struct range){lo, hi - 1};
	}
	set->n = n;
}

int
messages_parse(struct session *s, struct parse *p, struct set *out)
{
	uint32_t count = folder_count(s->folder);
	if (parse_take(p, '$')) {
		*out = saved_messages(s, p->arena);
		return 1;
	}
	if (!parse_set(p, out))
		return 0;
	/* RFC 3501 section 9, seq-number: that includes "*" in an empty folder. */
	for (size_t k = 0; !s->uid && k < out->n; k++)
		if (!count || out->r[k].lo > count || out->r[k].hi > count)
			return parse_fail(p, "Invalid message number");
	messages_resolve(s->folder, out, s->uid);
	return 1;
}

int
messages_parse_both(struct session *s, struct parse *p, struct set *out, struct set *uids)
{
	size_t const at = p->pos;
	*uids = (struct set){0};
	if (s->uid && parse_peek(p) != '$') { /* of a kept result nothing is missing */
		if (!parse_set(p, uids))
			return 0;
		set_resolve(uids, folder_uidnext(s->folder) - 1);
		p->pos = at;
	}
	return messages_parse(s, p, out);
}

size_t
messages_count(struct set const *m)
{
	size_t n = 0;
	for (size_t k = 0; k < m->n; k++)
		n += m->r[k].hi - m->r[k].lo + 1;
	return n;
}

void
messages_limit(struct session *s, struct set *m, unsigned int flags)
{
	uint32_t left = s->message_limit, lowest = 0;
	size_t from = 0;
	if (!left)
		return;
	for (size_t k = m->n; k--;)
		for (uint32_t i = m->r[k].hi + 1; i-- > m->r[k].lo;) {
			if ((folder_flags(s->folder, i) & flags) != flags)
				continue;
			if (left--) {
				lowest = i;
				from = k;
				continue;
			}
			*m = (struct set){m->r + from, m->n - from};
			m->r[0].lo = lowest;
			s->lowest = folder_uid(s->folder, lowest);
			return;
		}
}

void
messages_put(stralloc *out, uint32_t const *n, size_t count)
{
	for (size_t i = 0, j; i < count; i = j) {
		for (j = i + 1; j < count && n[j] == n[j - 1] + 1; j++)
			;
		if (i)
			sa_append(out, ',');
		sa_catnum(out, n[i]);
		if (j - i > 1) {
			sa_append(out, ':');
			sa_catnum(out, n[j - 1]);
		}
	}
}

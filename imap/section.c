#include "imap/section.h"

#include "imap/limits.h"

enum need
section_need(struct imap_section const *sec)
{
	if (sec->depth)
		return NEED_PARTS;
	if (sec->kind == SECTION_WHOLE)
		return NEED_OCTETS;
	return sec->kind == SECTION_TEXT ? NEED_WHOLE : NEED_HEADER;
}

struct mime_part const *
section_load(struct hand *h, enum need need)
{
	switch (need) {
	case NEED_HEADER:
		return hand_header(h);
	case NEED_OCTETS:
		return hand_octets(h);
	case NEED_WHOLE:
		return hand_whole(h);
	case NEED_PARTS:
		return hand_parts(h);
	default:
		return 0;
	}
}

int
section_find(
    struct imap_section const *sec, struct hand *h, size_t *from, size_t *to, stralloc *fields)
{
	struct mime_part const *root = section_load(h, section_need(sec));
	if (!root)
		return -1;
	if (sec->kind != SECTION_HEADER_FIELDS && sec->kind != SECTION_HEADER_FIELDS_NOT)
		return imap_section_find(sec, h->s, root, from, to, fields);
	struct imap_section own = *sec;
	struct mime_part const *p = imap_part(root, sec->path, sec->depth);
	if (p && sec->depth)
		p = p->kind == MIME_MESSAGE ? p->children : 0;
	if (!p)
		return 0;
	struct mime_part cut = *p;
	if (cut.body - cut.header > LIMIT_HEADER)
		cut.body = cut.header + LIMIT_HEADER;
	own.depth = 0;
	return imap_section_find(&own, h->s, &cut, from, to, fields);
}

/* UIDBATCHES (RFC 10022): ranges of UIDs that hold so many messages each, the newest first. */
#include "imap/commands.h"

#include "imap/capability.h"
#include "imap/limits.h"
#include "imap/reply.h"
#include "lib/imap-text.h"

/* "size [first:last]"; without them 1 and the last that can be. */
static int
batches_parse(struct parse *p, struct batches *b)
{
	*b = (struct batches){.from = 1, .to = UINT32_MAX};
	if (!parse_sp(p) || !parse_nznumber(p, &b->size))
		return 0;
	if (parse_take(p, ' ')) {
		if (!parse_nznumber(p, &b->from) || !parse_char(p, ':') ||
		    !parse_nznumber(p, &b->to))
			return 0;
		if (b->from > b->to) /* 3.1.5 */
			return parse_fail(p, "[CLIENTBUG] Invalid batch range");
	}
	return parse_end(p);
}

/* 3.1.1: the same question again is answered only if half a batch has come or gone since. */
static int
is_again(struct session const *s, struct batches const *b)
{
	struct batches const *was = &s->batches;
	uint32_t const come = b->count - folder_find(s->folder, was->uidnext);
	uint32_t const gone = was->count + come - b->count;
	return was->size == b->size && was->from == b->from && was->to == b->to &&
	       come <= b->size / 2 && gone <= b->size / 2;
}

/* Behind a batch of the messages [0, end) come those of [0, end - size): no UID between is left
 * out, and the last batch ends at UID 1 (3.1.4). */
static void
tell(struct session *s, struct batches const *b)
{
	uint64_t const skip = (uint64_t)(b->from - 1) * b->size;
	uint32_t end = skip < b->count ? b->count - (uint32_t)skip : 0;
	char const *between = " ";
	imap_string(&s->out, s->tag, strlen(s->tag));
	net_puts(&s->net, "* UIDBATCHES (TAG ");
	reply_out(s);
	net_puts(&s->net, ")");
	for (uint32_t k = b->from; end; k++) {
		uint32_t const next = end > b->size ? end - b->size : 0;
		net_putf(&s->net, "%s%u:%u", between, folder_uid(s->folder, end - 1),
		    next ? folder_uid(s->folder, next - 1) + 1 : 1);
		between = ",";
		end = k < b->to ? next : 0;
	}
	net_puts(&s->net, "\r\n");
}

char const *
cmd_uidbatches(struct session *s, struct parse *p)
{
	struct batches b;
	if (!capability_shown("UIDBATCHES"))
		return parse_fail(p, "Unknown command"), BAD;
	if (!batches_parse(p, &b))
		return BAD;
	if (b.size < LIMIT_BATCH)
		return REPLY_TOOFEW;
	if (b.to != UINT32_MAX && ((uint64_t)b.to - b.from + 1) * b.size > LIMIT_BATCHES)
		return REPLY_BATCHES;
	b.count = folder_count(s->folder);
	b.uidnext = b.count ? folder_uid(s->folder, b.count - 1) + 1 : 1;
	if (is_again(s, &b))
		return REPLY_BATCHES_AGAIN;
	s->batches = b;
	tell(s, &b);
	return DONE;
}

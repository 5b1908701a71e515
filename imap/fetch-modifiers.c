/* FETCH modifiers (RFC 4466 2.4): a parenthesized list behind the items. */
#include "imap/fetch.h"

/* RFC 7162 3.1.4.1: adds the item MODSEQ. */
static int
changedsince(struct session *s, struct parse *p, struct fetch *f)
{
	(void)s;
	if (!parse_sp(p) || !parse_number64(p, &f->since))
		return 0;
	if (!f->since)
		return parse_fail(p, "A modseq is not zero");
	fetch_add(p, f, "MODSEQ");
	f->modseq = 1;
	return 1;
}

/* RFC 7162 3.2.6 */
static int
vanished(struct session *s, struct parse *p, struct fetch *f)
{
	if (!s->uid)
		return parse_fail(p, "VANISHED is of UID FETCH");
	if (!(s->enabled & ENABLE_QRESYNC))
		return parse_fail(p, "QRESYNC is not enabled");
	f->vanished = 1;
	return 1;
}

/* RFC 9394 3.3: of UID FETCH. */
static int
partial(struct session *s, struct parse *p, struct fetch *f)
{
	if (!s->uid)
		return parse_fail(p, "PARTIAL is of UID FETCH");
	return parse_sp(p) && partial_range_parse(p, &f->partial);
}

static struct {
	char const *name;
	int (*parse)(struct session *s, struct parse *p, struct fetch *f);
} const modifiers[] = {
    {"CHANGEDSINCE", changedsince},
    {"PARTIAL", partial},
    {"VANISHED", vanished},
};
#define MODIFIERS (sizeof modifiers / sizeof *modifiers)

static int
modifier_parse(struct session *s, struct parse *p, struct fetch *f, unsigned int *seen)
{
	for (unsigned int k = 0; k < MODIFIERS; k++) {
		if (!parse_take_word(p, modifiers[k].name))
			continue;
		if (*seen & 1u << k)
			return parse_fail(p, "The same modifier twice");
		*seen |= 1u << k;
		return modifiers[k].parse(s, p, f);
	}
	return parse_fail(p, "Unknown modifier");
}

int
fetch_modifiers_parse(struct session *s, struct parse *p, struct fetch *f)
{
	unsigned int seen = 0;
	if (!parse_take(p, ' '))
		return parse_end(p);
	if (!parse_char(p, '('))
		return 0;
	do
		if (!modifier_parse(s, p, f, &seen))
			return 0;
	while (parse_take(p, ' '));
	if (f->vanished && !f->since)
		return parse_fail(p, "VANISHED is for CHANGEDSINCE");
	return parse_char(p, ')') && parse_end(p);
}

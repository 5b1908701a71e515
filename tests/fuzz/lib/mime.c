/* Structure, ENVELOPE, BODYSTRUCTURE and every section of a message. */
// seeds: messages
#include "lib/imap-text.h"
#include "lib/sa.h"
#include "lib/wire.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t n);

static void
walk(struct mime_part const *p, char const *msg, size_t n)
{
	for (; p; p = p->next) {
		if (p->header > p->body || p->body > p->end || p->end > n ||
		    p->body_wire != wire_size(msg + p->body, p->end - p->body) ||
		    p->header_wire != wire_size(msg + p->header, p->body - p->header))
			__builtin_trap();
		walk(p->children, msg, n);
	}
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t n)
{
	static char const *const names[] = {
	    "1.MIME", "1.1", "2.HEADER.FIELDS (a)", "TEXT", "HEADER.FIELDS.NOT (a)"};
	struct arena a = ARENA_ZERO;
	stralloc out = STRALLOC_ZERO;
	char const *msg = (char const *)data;
	struct mime_part *root = mime_parse(&a, msg, n);
	walk(root, msg, n);
	imap_envelope(&out, &a, msg, root->body);
	imap_bodystructure(&out, &a, msg, root, 1);
	imap_bodystructure(&out, &a, msg, root, 0);
	for (unsigned int i = 0; i < sizeof names / sizeof *names; i++) {
		struct imap_section sec;
		size_t from = 0, to = 0;
		imap_section_parse(&sec, &a, names[i], strlen(names[i]));
		if (imap_section_find(&sec, msg, root, &from, &to, &out) == 1)
			wire_put_imap(&out, msg + from, to - from);
	}
	stralloc_free(&out);
	arena_free(&a);
	return 0;
}

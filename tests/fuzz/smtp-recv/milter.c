/* What filters say, and the headers that they see and change. */
// seeds: messages
#include <stdint.h>
#include <stdlib.h>

#include "lib/sa.h"
#include "smtp-recv/milter-header.h"
#include "smtp-recv/milter-packet.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	static char const head[] = "Received: by me\n";
	struct milter_options o;
	struct milter_answer a;
	struct milter_header h = MILTER_HEADER_ZERO;
	struct message m = MESSAGE_ZERO;
	stralloc text = STRALLOC_ZERO;
	char const *s = (char const *)data;
	milter_options_parse(s, size, &o);
	message_add(&m, s, size);
	int loaded = milter_header_load(&h, head, sizeof head - 1, &m) == MILTER_HEADER_OK;
	for (size_t i = 1; i < h.count; i++) {
		size_t n;
		milter_field_body(h.fields + i, 0, &n);
	}
	if (loaded)
		milter_header_find(&h, "Message-ID");
	if (size && !milter_parse(*s, s + 1, size - 1, MILTER_MAY_ALL, &a)) {
		if (a.kind == MILTER_REPLY)
			milter_reply_text(&a, &text);
		if (loaded && a.kind == MILTER_ADD_HEADER)
			milter_header_add(&h, a.name, a.text, 0);
		if (loaded && a.kind == MILTER_INSERT_HEADER)
			milter_header_insert(&h, a.index, a.name, a.text, 1);
		if (loaded && a.kind == MILTER_CHANGE_HEADER)
			milter_header_change(&h, a.index, a.name, a.text, 0);
	}
	if (loaded)
		milter_header_text(&h, &text);
	milter_header_free(&h);
	message_clear(&m);
	stralloc_free(&m.memory);
	stralloc_free(&text);
	return 0;
}

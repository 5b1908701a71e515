/* All that is kept of a message: kept texts hold to their limits, keys can be taken apart, previews
 * are UTF-8. */
// seeds: messages
#include "lib/header.h"
#include "lib/message-text.h"
#include "lib/utf8.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t n);

static void
check(int ok)
{
	if (!ok)
		__builtin_trap();
}

static void
check_texts(struct message_texts const *t)
{
	struct message_sort k;
	size_t at = 0, id_len, count = 0;
	uint32_t c;
	char const *id;
	if (t->has >> TEXT_SORT & 1)
		check(message_sort_keys(&k, t->s[TEXT_SORT], t->len[TEXT_SORT]));
	if (t->has >> TEXT_THREAD & 1)
		while (
		    message_thread_keys(t->s[TEXT_THREAD], t->len[TEXT_THREAD], &at, &id, &id_len))
			check(id_len || !count++);
	if (t->has >> TEXT_PREVIEW & 1) {
		char const *s = t->s[TEXT_PREVIEW];
		size_t const n = t->len[TEXT_PREVIEW];
		check(utf8_valid(s, n) && !memchr(s, '\n', n));
		for (size_t i = 0; i < n; i += utf8_decode(s + i, n - i, &c))
			count++;
		check(count <= MESSAGE_PREVIEW_MAX + 1);
	}
	for (unsigned int i = 0; i < TEXT_KINDS; i++)
		check(t->len[i] <= MESSAGE_TEXT_MAX && (t->s[i] || !t->len[i]));
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t n)
{
	struct arena a = ARENA_ZERO;
	struct message_texts t;
	struct message_sort k;
	char const *msg = (char const *)data;
	size_t const body = header_len(msg, n);
	message_texts_make(&t, &a, msg, n, body, TEXT_ALL);
	check_texts(&t);
	check((t.has | 1u << TEXT_HEADERS) == TEXT_ALL);
	message_texts_make_by(&t, &a, msg, body, body, TEXT_FROM_HEADER, 0);
	check_texts(&t);
	(void)message_sort_keys(&k, msg, n);
	arena_free(&a);
	return 0;
}

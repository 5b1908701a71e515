/* Lists of destinations; an address that was read comes back from its own written form. */
#include <stdint.h>
#include <string.h>

#include "lib/address.h"
#include "lib/sa.h"
#include "lib/alias-list.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t n);

static void
read_back(struct arena *a, struct alias_item const *item)
{
	struct address const address = {
	    .mailbox = item->text, .host = item->domain ? item->domain : ""};
	struct alias_item again;
	stralloc out = STRALLOC_ZERO;
	address_spec(&out, &address);
	struct alias_list l = alias_list(out.s, out.len);
	if (!alias_next(&l, a, &again) || again.kind != ALIAS_ADDRESS ||
	    strcmp(again.text, item->text) || strcmp(again.domain, item->domain))
		__builtin_trap();
	stralloc_free(&out);
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t n)
{
	struct arena a = ARENA_ZERO;
	struct alias_item item;
	size_t count = 0;
	for (struct alias_list l = alias_list((char const *)data, n); alias_next(&l, &a, &item);) {
		if (++count > n ||
		    (item.kind != ALIAS_BAD && !*item.text && item.kind != ALIAS_INCLUDE))
			__builtin_trap();
		if (item.kind == ALIAS_ADDRESS && item.domain &&
		    !strpbrk(item.domain, "\"\\ ,;<>()[]:") && !strchr("\\#|/:", *item.text))
			read_back(&a, &item);
	}
	arena_free(&a);
	return 0;
}

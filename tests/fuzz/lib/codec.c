/* The strict codecs: what decodes encodes to the same again. And dates. */
#include "lib/base64.h"
#include "lib/date.h"
#include "lib/idna.h"
#include "lib/mutf7.h"
#include "lib/sa.h"
#include "lib/utf8.h"
#include "lib/xtext.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t n);

static void
same(stralloc const *x, char const *s, size_t n)
{
	if (x->len != n || (n && memcmp(x->s, s, n)))
		__builtin_trap();
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t n)
{
	char const *s = (char const *)data;
	stralloc x = STRALLOC_ZERO, y = STRALLOC_ZERO;
	int64_t t;
	int zone;
	if (!base64_decode(&x, s, n)) {
		base64_encode(&y, x.s, x.len);
		same(&y, s, n);
	}
	x.len = y.len = 0;
	xtext_encode(&x, s, n);
	if (xtext_decode(&y, x.s, x.len))
		__builtin_trap();
	same(&y, s, n);
	x.len = y.len = 0;
	if (!mutf7_decode(&x, s, n)) {
		if (mutf7_encode(&y, x.s, x.len))
			__builtin_trap();
		same(&y, s, n);
	}
	x.len = y.len = 0;
	if (!mutf7_encode(&x, s, n)) {
		if (mutf7_decode(&y, x.s, x.len))
			__builtin_trap();
		same(&y, s, n);
	}
	x.len = y.len = 0;
	if (!idna_to_ascii(&x, s, n) && (!domain_valid(x.s, x.len) || idna_to_utf8(&y, x.s, x.len)))
		__builtin_trap();
	x.len = 0;
	if (!date_parse(s, n, &t, &zone) || !date_imap_parse(s, n, &t, &zone))
		date_imap(&x, t, zone);
	date_search_parse(s, n, &t);
	stralloc_free(&x);
	stralloc_free(&y);
	return 0;
}

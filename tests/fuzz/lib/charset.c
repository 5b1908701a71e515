/* Encoded words, transfer encodings and charsets: in one piece and in two they give the same. */
// seeds: messages
#include "lib/casemap.h"
#include "lib/charset.h"
#include "lib/sa.h"
#include "lib/utf8.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t n);

static void
pieces(char const *name, enum cte cte, char const *s, size_t n, size_t cut)
{
	stralloc out[2] = {STRALLOC_ZERO, STRALLOC_ZERO},
		 octets[2] = {STRALLOC_ZERO, STRALLOC_ZERO};
	for (int i = 0; i < 2; i++) {
		sa_room(&octets[i], 1);
		struct cte_stream t;
		struct charset c;
		cte_start(&t, cte);
		cte_feed(&t, &octets[i], s, i ? cut : n, !i);
		if (i)
			cte_feed(&t, &octets[i], s + cut, n - cut, 1);
		if (charset_open(&c, name, strlen(name), charset_iconv))
			__builtin_trap();
		size_t const k = cut < octets[i].len ? cut : octets[i].len;
		charset_feed(&c, &out[i], octets[i].s, i ? k : octets[i].len, !i);
		if (i)
			charset_feed(&c, &out[i], octets[i].s + k, octets[i].len - k, 1);
		charset_close(&c);
	}
	if (out[0].len != out[1].len || (out[0].len && memcmp(out[0].s, out[1].s, out[0].len)))
		__builtin_trap();
	for (int i = 0; i < 2; i++) {
		stralloc_free(&out[i]);
		stralloc_free(&octets[i]);
	}
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t n)
{
	static char const *const names[] = {"utf-8", "iso-8859-7", "iso-2022-jp", "us-ascii"};
	char const *s = (char const *)data + 2;
	stralloc out = STRALLOC_ZERO;
	if (n < 2)
		return 0;
	n -= 2;
	pieces(names[data[0] % 4], (enum cte)(data[0] / 4 % 3), s, n, n ? data[1] % n : 0);
	charset_decode_words(&out, s, n, charset_iconv);
	struct matcher m;
	size_t const key = n < 8 ? n : 8;
	if (utf8_valid(s, key) && !matcher_init(&m, s, key)) {
		if (!matcher_feed(&m, s, n))
			__builtin_trap();
		matcher_free(&m);
	}
	stralloc_free(&out);
	return 0;
}

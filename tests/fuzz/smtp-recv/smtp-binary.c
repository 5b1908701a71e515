/* BODY=BINARYMIME: what comes out does not depend on how it was cut, and the conversion of what
 * came out changes nothing any more. */
// seeds: messages
#include <stdlib.h>

#include "lib/sa.h"
#include "smtp-recv/binary.h"

int LLVMFuzzerTestOneInput(uint8_t const *in, size_t n);

static void
put(void *arg, char const *s, size_t n)
{
	sa_catb(arg, s, n);
}

static uint64_t
place(void *arg)
{
	return ((stralloc *)arg)->len;
}

static void
sevenbit(void *arg, uint64_t at)
{
	stralloc *out = arg;
	if (at > out->len || memcmp(out->s + at - 6, "8bit\r\n", 6) != 0)
		__builtin_trap();
	memcpy(out->s + at - 6, "7bit", 4);
}

static int
convert(stralloc *out, char const *s, size_t n, size_t step)
{
	static struct binary b;
	binary_init(&b, &(struct binary_sink){put, place, sevenbit, out});
	for (size_t i = 0; i < n; i += step)
		binary_feed(&b, s + i, n - i < step ? n - i : step);
	binary_end(&b);
	return b.failed;
}

int
LLVMFuzzerTestOneInput(uint8_t const *in, size_t n)
{
	stralloc out[4] = {STRALLOC_ZERO, STRALLOC_ZERO, STRALLOC_ZERO, STRALLOC_ZERO};
	int failed = convert(out, (char const *)in, n, n + 1);
	for (size_t step = 1; step < 3; step++)
		if (convert(out + step, (char const *)in, n, step) != failed ||
		    out[step].len != out->len ||
		    (out->len && memcmp(out[step].s, out->s, out->len) != 0))
			__builtin_trap();
	if (!failed &&
	    (convert(out + 3, out->s ? out->s : "", out->len, 7) || out[3].len != out->len ||
		(out->len && memcmp(out[3].s, out->s, out->len) != 0)))
		__builtin_trap();
	for (int i = 0; i < 4; i++)
		stralloc_free(out + i);
	return 0;
}

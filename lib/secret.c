#include "lib/secret.h"

#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

int
secret_same(void const *a, void const *b, size_t n)
{
	unsigned char const *x = a, *y = b;
	unsigned char volatile difference = 0;
	for (size_t i = 0; i < n; i++)
		difference |= (unsigned char)(x[i] ^ y[i]);
	return !difference;
}

int
secret_same_text(char const *a, char const *b)
{
	size_t const n = strlen(a);
	return n == strlen(b) && secret_same(a, b, n);
}

void
secret_no_core(void)
{
	/* core(5): a program that cores are piped to gets them whatever the limit, unless it is 1;
	 * a file of one octet is none. */
	struct rlimit const r = {.rlim_cur = 1, .rlim_max = 1}, none = {0, 0};
	if (setrlimit(RLIMIT_CORE, &r) < 0)
		(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

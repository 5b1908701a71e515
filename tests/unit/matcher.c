/* The substring matcher (lib/casemap.h), in pieces of any length, against a search in the whole text. */
// libs: -lunistring
#include "lib/casemap.h"

#include <stdlib.h>

#include "lib/sa.h"
#include "tests/unit/tap.h"

/* What keys and texts are made of: letters, what becomes letters, and what is no character. */
static char const *const atoms[] = {"a", "A", "b", "B", "c", " ", "\xc3\xa9", "e", "\xef\xac\x81",
    "f", "i", "\xff", "\xe2\x82\xac", "@", "`"};

static size_t
make(char *s, unsigned int count, unsigned int kinds)
{
	size_t n = 0;
	while (count--) {
		char const *const atom = atoms[(unsigned int)rand() % kinds];
		strcpy(s + n, atom);
		n += strlen(atom);
	}
	return n;
}

static int
plainly(char const *key, size_t key_len, char const *s, size_t n)
{
	stralloc k = STRALLOC_ZERO, t = STRALLOC_ZERO;
	casemap_unicode(&k, key, key_len);
	casemap_unicode(&t, s, n);
	int const found = !k.len || (t.len && memmem(t.s, t.len, k.s, k.len));
	stralloc_free(&k);
	stralloc_free(&t);
	return found;
}

static int
in_pieces(char const *key, size_t key_len, char const *s, size_t n)
{
	struct matcher m;
	if (matcher_init(&m, key, key_len) < 0)
		return -1;
	int found = m.found;
	for (size_t at = 0, k; at < n && !found; at += k) {
		k = 1 + (size_t)rand() % 400;
		k = k < n - at ? k : n - at;
		found = matcher_feed(&m, s + at, k);
	}
	matcher_free(&m);
	return found;
}

int
main(void)
{
	unsigned int bad = 0, hits = 0;
	srand(1);
	for (unsigned int round = 0; round < 60000; round++) {
		char key[40] = "", text[4000] = "";
		unsigned int const kinds = 2 + (unsigned int)rand() % 14;
		size_t const k = make(key, 1 + (unsigned int)rand() % 6, kinds);
		size_t const n = make(text, (unsigned int)rand() % (round % 10 ? 90 : 900), kinds);
		int const want = plainly(key, k, text, n), got = in_pieces(key, k, text, n);
		hits += (unsigned int)want;
		bad += got != want;
	}
	tap_num("texts in which the matcher is wrong", bad, 0);
	tap_ok(hits > 1000 && hits < 59000, "keys are found and are not: %u", hits);
	return tap_done();
}

/* Where a script is, by its name: sieve_name_file. */
#include <string.h>

#include "lib/sa.h"
#include "lib/utf8.h"
#include "sieve/sieve.h"
#include "tests/unit/tap.h"

/* A name of n characters c. */
static void
make(stralloc *name, char const *c, size_t n)
{
	sa_reset(name);
	while (n--)
		sa_cats(name, c);
}

/* Every part is a file name that can be, cut between characters, and together they are the name. */
static void
check(char const *what, stralloc *name)
{
	stralloc file = STRALLOC_ZERO, again = STRALLOC_ZERO;
	sieve_name_file(&file, name->s, name->len);
	sa_str(&file);
	int good = 1, parts = 0;
	for (char *s = file.s, *slash; s; s = slash ? slash + 1 : 0, parts++) {
		slash = strchr(s, '/');
		size_t n = slash ? (size_t)(slash - s) : strlen(s);
		good &= n <= 255 && utf8_valid(s, n);
		if (parts || !slash)
			sa_catb(&again, s, slash ? n : n - strlen(SIEVE_SCRIPT_SUFFIX));
	}
	tap_ok(sieve_name_valid(name->s, name->len), "%s: can be a name", what);
	tap_ok(good, "%s: every part can be a file", what);
	tap_ok((parts > 1) == (name->len > SIEVE_FILE_NAME_MAX), "%s: %d parts", what, parts);
	tap_ok(again.len == name->len && !memcmp(again.s, name->s, name->len), "%s: leads back", what);
	stralloc_free(&file);
	stralloc_free(&again);
}

int
main(void)
{
	static struct {
		char const *what, *c;
		size_t n;
	} const names[] = {
	    {"one letter", "a", 1},
	    {"the longest that is one file", "a", 249},
	    {"one more", "a", 250},
	    {"128 characters of three octets", "\xe2\x82\xac", 128},
	    {"128 characters of four octets", "\xf0\x9f\x98\x80", 128},
	    {"240 octets and one character across", "\xc3\xa9", 121},
	    {"512 octets", "a", 512},
	};
	stralloc name = STRALLOC_ZERO;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		make(&name, names[i].c, names[i].n);
		check(names[i].what, &name);
	}
	make(&name, "a", 239);
	sa_cats(&name, "\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80");
	check("a cut within a character", &name);
	stralloc file = STRALLOC_ZERO;
	sieve_name_file(&file, "vacation", 8);
	tap_ok(!strcmp(sa_str(&file), "vacation.sieve"), "a short name is its file's");
	stralloc_free(&file);
	stralloc_free(&name);
	return tap_done();
}

// objects: mda-remote/digest-file.o
/* The file of a digest: what is one, what is none; and some of what tests/fuzz/mda-remote/digest.c does, with
 * what comes of well-formed files by a few changes. */
#include "tests/fuzz/mda-remote/digest.c"

#include "tests/unit/tap.h"

#define CHANGED 200000 /* files that are tried */
#define NAME80 "m2345678901234567890123456789012345678901234567890123456789012345678901234567890"
#define BLANK80                                                                                    \
	"                                                                                "
#define HEAD(t, x) "postern-digest 1\nt " t "\nx " x "\n"
#define N(count, length, name) "n " count " " length " " name "\n"
#define C3 "00000000000000000003"
#define L9 "0000000009"
#define WELL HEAD("bob@example.org", "1795297324") N(C3, L9, NAME80) "\n"

static struct {
	char const *name, *text;
	char const *last; /* null: it is none */
} const rows[] = {
    {"as it is written", WELL "nine octets", NAME80},
    {"nothing counted yet", HEAD("bob@example.org", "0") N(C3, L9, BLANK80) "\n", ""},
    {"empty", "", 0},
    {"another version", "postern-digest 2\n", 0},
    {"nothing behind the version", "postern-digest 1\n", 0},
    {"no address", HEAD("", "1795297324") N(C3, L9, NAME80) "\n", 0},
    {"no time", HEAD("bob@example.org", "") N(C3, L9, NAME80) "\n", 0},
    {"a time that is no number", HEAD("bob@example.org", "1e9") N(C3, L9, NAME80) "\n", 0},
    {"a time that no file can have",
	HEAD("bob@example.org", "18446744073709551615") N(C3, L9, NAME80) "\n", 0},
    {"records in another order",
	"postern-digest 1\nx 1795297324\nt bob@example.org\n" N(C3, L9, NAME80) "\n", 0},
    {"no line n", HEAD("bob@example.org", "1795297324") "\n", 0},
    {"a line n without its end", HEAD("bob@example.org", "1795297324") "n " C3 " " L9 " m", 0},
    {"a line n that is too short",
	HEAD("bob@example.org", "1795297324") N(C3, L9, "m1+f0") "\n", 0},
    {"a count that is no number",
	HEAD("bob@example.org", "1795297324") N("0000000000000000000x", L9, NAME80) "\n", 0},
    {"a count beyond 64 bits",
	HEAD("bob@example.org", "1795297324") N("99999999999999999999", L9, NAME80) "\n", 0},
    {"more text than any has",
	HEAD("bob@example.org", "1795297324") N(C3, "0000131072", NAME80) "\n", 0},
    {"as much as one may have",
	HEAD("bob@example.org", "1795297324") N(C3, "0000131071", NAME80) "\n", NAME80},
    {"no empty line", HEAD("bob@example.org", "1795297324") N(C3, L9, NAME80) "text", 0},
};

static void
parsing(void)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct address a = {0};
		char *s = xstrdup(rows[i].text);
		int const r = digest_parse(s, &a, &a.to);
		tap_ok(r == (rows[i].last ? 0 : -1), "%s: %s", rows[i].name,
		    rows[i].last ? "taken" : "refused");
		if (!r && rows[i].last)
			tap_str("... the name", a.last, rows[i].last);
		free(s);
	}
}

static void
places(void)
{
	struct address a = {0}, b = {.to = (char *)(uintptr_t) "bob@example.org", .last = NAME80};
	char *s = xstrdup(WELL), *to;
	stralloc out = STRALLOC_ZERO;
	b.until = 1795297324000;
	b.count = 3;
	b.length = 9;
	digest_format(&out, &b);
	tap_mem("written", out.s, out.len, WELL, strlen(WELL));
	tap_ok(!digest_parse(s, &a, &to) && a.n_at == b.n_at && a.text_at == b.text_at &&
		   a.text_at == strlen(WELL),
	    "read: the places of line and text are those of what is written");
	tap_ok(a.until == b.until && a.count == 3 && a.length == 9, "... and so are the numbers");
	free(s);
	stralloc_free(&out);
}

static void
changed(void)
{
	srandom(1);
	for (int i = 0; i < CHANGED; i++) {
		char text[1000];
		size_t n = strlen(rows[i % 2].text);
		memcpy(text, rows[i % 2].text, n);
		for (long k = random() % 4; k >= 0; k--)
			text[(size_t)random() % n] = "0129 \ntxnp-\xff"[random() % 13];
		if (!(random() % 8))
			n = (size_t)random() % n;
		LLVMFuzzerTestOneInput((uint8_t const *)text, n);
	}
	tap_ok(1, "%d changed files: each is refused, or written again as it was read", CHANGED);
}

int
main(void)
{
	parsing();
	places();
	changed();
	return tap_done();
}

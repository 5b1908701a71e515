/* dovecot-keywords and postern-keywords (behind an octet 255): names and sets that are added are
 * there. */
#include "tests/fuzz/maildir/files.h"

#include "maildir/keywords.h"

static struct keyword_set seen;

static void
on_set(void *arg, char const *base, size_t len, struct keyword_set const *beyond)
{
	(void)arg;
	if (keyword_letters(beyond))
		abort();
	if (len == 4 && !memcmp(base, "base", 4))
		seen = *beyond;
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	struct keywords k = KEYWORDS_ZERO, again = KEYWORDS_ZERO;
	uint8_t const *cut = memchr(data, 255, size), *end = data + size;
	put_file("dovecot-keywords", data, cut ? (size_t)(cut - data) : size);
	put_file("postern-keywords", cut ? cut + 1 : end, cut ? (size_t)(end - cut - 1) : 0);
	if (keywords_read(&k, fd_dir, on_set, 0) < 0)
		abort();
	int n = keywords_make(&k, "added", 5);
	struct keywords_line line = {"base", 4, KEYWORD_SET_ZERO};
	keyword_add(&line.set, 127);
	if (n >= 0 && (keywords_save(&k, fd_dir) < 0 || keywords_append(&k, fd_dir, &line, 1) < 0))
		abort();
	seen = (struct keyword_set)KEYWORD_SET_ZERO;
	if (keywords_read(&again, fd_dir, on_set, 0) < 0)
		abort();
	if (n >= 0 && (keywords_find(&again, "added", 5) != n || !keyword_has(&seen, 127)))
		abort();
	keywords_free(&k);
	keywords_free(&again);
	return 0;
}

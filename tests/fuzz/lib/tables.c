/* A table: what is read of its text is found in the text and in what it was compiled to, and each key's first value. */
#include "tests/fuzz/session.h"

#include "lib/table.h"

struct seen {
	stralloc value;
	unsigned int count;
	int compiled;
};

static int
find(void *arg, char const *key, size_t klen, char const *value, size_t vlen)
{
	struct seen *s = arg;
	(void)value, (void)vlen;
	s->value.len = 0;
	int const r = klen ? table_find("table", key, klen, &s->value) : -1;
	if (!r)
		abort();
	if (r > 0 && (memchr(s->value.s, 0, s->value.len) || s->value.s[s->value.len]))
		abort();
	return ++s->count > 20;
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	struct seen s = {.value = STRALLOC_ZERO};
	instance_file("etc/table", data, size);
	char path[100];
	snprintf(path, sizeof path, "%s/etc/table.cdb", instance_dir);
	(void)unlink(path);
	/* A NUL is damage. */
	if (table_each("table", find, &s) >= 0 && table_compile("table") >= 0) {
		s.count = 0;
		if (table_each("table", find, &s) < 0)
			abort();
	}
	(void)table_find("table", (char const *)data, size < 10 ? size : 10, &s.value);
	stralloc_free(&s.value);
	return 0;
}

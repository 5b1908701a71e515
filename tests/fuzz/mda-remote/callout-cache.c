/* Answers of callouts that are remembered. The first octet says whether the rest is a record under our own key or octets that spoil one:
 * what comes out then is what was put in, or nothing. */
#include "tests/fuzz/session.h"

#include "mda-remote/callout-cache.c"

#define NAME "alice@example.test"

static void
put_record(struct record const *r)
{
	if (pwrite(file, r, sizeof *r, place(r->who, 0)) != sizeof *r)
		abort();
}

/* From another release, or a clock gone wild: a whole record, of whatever. */
static void
ours(struct record *r, uint8_t const *data, size_t size)
{
	struct answer a;
	r->when = time(0);
	memcpy(&r->when, data, size < sizeof r->when ? size : sizeof r->when);
	data += sizeof r->when;
	size -= size < sizeof r->when ? size : sizeof r->when;
	memcpy(&r->a, data, size < sizeof r->a ? size : sizeof r->a);
	r->sum = sum_of(r);
	put_record(r);
	if (cache_get(NAME, &a) && ((a.code != 250 && a.code != 450 && a.code != 550) || strlen(a.text) >= sizeof a.text))
		abort();
}

static void
spoilt(struct record *r, uint8_t const *data, size_t size)
{
	struct answer a;
	struct record was;
	r->when = time(0);
	snprintf(r->a.text, sizeof r->a.text, "2.1.5 good");
	r->sum = sum_of(r);
	was = *r;
	for (size_t i = 0; i + 1 < size; i += 2)
		((uint8_t *)r)[data[i]] ^= data[i + 1];
	put_record(r);
	if (cache_get(NAME, &a) != !memcmp(r, &was, sizeof was))
		abort();
	cache_put(NAME, &was.a);
	if (!cache_get(NAME, &a) || memcmp(&a, &was.a, sizeof a))
		abort();
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	char path[100];
	if (!*instance_dir) {
		snprintf(path, sizeof path, "%s/run/callout", instance());
		if (mkdir(path, 0700) < 0)
			abort();
		cache_open();
	}
	struct record r = {.who = siphash(&key, NAME, sizeof NAME - 1), .a.code = 250};
	if (!size || file < 0 || ftruncate(file, sizeof key) < 0)
		return 0;
	if (*data & 1)
		ours(&r, data + 1, size - 1);
	else
		spoilt(&r, data + 1, size - 1);
	return 0;
}

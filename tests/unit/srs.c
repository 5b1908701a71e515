/* Senders rewritten and found again. */
#include "lib/srs.h"

#include "lib/sa.h"
#include "tests/unit/tap.h"

#define NOW 1800000000
#define DAY 86400

static struct srs_key const key = {"0123456789abcdef", 16}, other = {"0123456789abcdeF", 16};

static char const *
forward(struct srs_key const *k, char const *local, char const *domain, int64_t now)
{
	static stralloc out = STRALLOC_ZERO;
	sa_reset(&out);
	return srs_forward(&out, k, local, domain, now) < 0 ? "" : sa_str(&out);
}

/* "LOCAL@DOMAIN", "none", or "bad". */
static char const *
reverse(struct srs_key const *k, char const *local, int64_t now)
{
	static stralloc out = STRALLOC_ZERO;
	stralloc domain = STRALLOC_ZERO;
	sa_reset(&out);
	int r = srs_reverse(&out, &domain, k, local, now);
	if (r <= 0)
		sa_copys(&out, r ? "bad" : "none");
	else {
		sa_append(&out, '@');
		sa_catb(&out, domain.s, domain.len);
	}
	stralloc_free(&domain);
	return sa_str(&out);
}

static void
way(char const *local, char const *domain, char const *back)
{
	char to[600], once[600];
	snprintf(once, sizeof once, "%s", forward(&key, local, domain, NOW));
	snprintf(to, sizeof to, "%s@%s", local, domain);
	tap_str("there and back", reverse(&key, once, NOW), back ? back : to);
	for (char *p = once; *p; p++)
		if (*p >= 'A' && *p <= 'Z' && strncmp(once, "SRS", 3))
			*p = (char)(*p - 'A' + 'a');
	tap_ok(!strncmp(once, "SRS", 3), "%s", once);
}

int
main(void)
{
	char const *const first = forward(&key, "alice", "a.test", NOW);
	char zero[600], one[600], two[600], changed[sizeof zero + 8];
	snprintf(zero, sizeof zero, "%s", first);
	tap_ok(strlen(zero) == 5 + 8 + 1 + 2 + 1 + 6 + 1 + 5, "the form: %s", zero);
	way("alice", "a.test", 0);
	way("a=b=c", "a.test", 0);
	way("al ice+x", "deep.a.test", 0);
	way("SRS", "a.test", 0);
	way("SRS0x", "a.test", 0);

	/* A second forwarder, and a third: the bounce goes to the first. */
	snprintf(one, sizeof one, "%s", forward(&other, zero, "b.test", NOW));
	tap_ok(!strncmp(one, "SRS1=", 5), "SRS1: %s", one);
	snprintf(two, sizeof two, "%s", forward(&key, one, "c.test", NOW));
	snprintf(changed, sizeof changed, "%s@b.test", zero);
	tap_str("the third leads to the first", reverse(&key, two, NOW), changed);
	tap_str("the second, too", reverse(&other, one, NOW), changed);
	tap_ok(strlen(two) == strlen(one), "it grows no further: %s", two);

	/* Two hosts that forward to one another: the address grows once, and leads back from any turn. */
	char turn[600];
	size_t longest = 0;
	int back = 0;
	snprintf(turn, sizeof turn, "%s", forward(&key, "alice", "a.test", NOW));
	for (int i = 0; i < 100; i++) {
		int const odd = i & 1;
		snprintf(turn, sizeof turn, "%s", forward(odd ? &key : &other, turn, odd ? "c.test" : "b.test", NOW));
		longest = strlen(turn) > longest ? strlen(turn) : longest;
		snprintf(changed, sizeof changed, "%s@b.test", zero);
		back += !strcmp(reverse(odd ? &key : &other, turn, NOW), changed);
	}
	tap_ok(back == 100 && longest == strlen(one), "a loop: %d of 100 turns lead to the first, %zu octets at most", back, longest);

	/* Case is not kept by all; what is not ours, changed, or old, is refused. */
	snprintf(changed, sizeof changed, "%s", zero);
	for (char *p = changed; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	tap_str("in lower case", reverse(&key, changed, NOW), "alice@a.test");
	tap_str("another's key", reverse(&other, zero, NOW), "bad");
	tap_str("none", reverse(&key, "alice", NOW), "none");
	tap_str("none: a mark is missing", reverse(&key, "SRS0", NOW), "none");
	tap_str("another mark", reverse(&key, "SRS0+x", NOW), "bad");
	for (size_t i = 5; zero[i]; i++) {
		snprintf(changed, sizeof changed, "%s", zero);
		changed[i] = changed[i] == 'x' ? 'y' : 'x';
		if (strcmp(reverse(&key, changed, NOW), "bad"))
			tap_ok(0, "changed at %zu: %s", i, changed);
		changed[i] = 0;
		if (strcmp(reverse(&key, changed, NOW), "bad"))
			tap_ok(0, "cut at %zu: %s", i, changed);
	}
	tap_str("21 days", reverse(&key, zero, NOW + 21 * DAY), "alice@a.test");
	tap_str("22 days", reverse(&key, zero, NOW + 22 * DAY), "bad");
	tap_str("from tomorrow", reverse(&key, zero, NOW - 2 * DAY), "bad");
	snprintf(
	    changed, sizeof changed, "%s", forward(&key, "alice", "a.test", (int64_t)1023 * DAY));
	tap_str(
	    "the count begins anew", reverse(&key, changed, (int64_t)1025 * DAY), "alice@a.test");
	memset(changed, 'x', SRS_LOCAL_MAX);
	changed[SRS_LOCAL_MAX - 20] = 0;
	tap_str("too long", forward(&key, changed, "a.test", NOW), "");
	return tap_done();
}

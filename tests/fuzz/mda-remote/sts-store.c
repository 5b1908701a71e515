/* What is known of a domain's MTA-STS policy, from disk: what is taken for one is found again as it was understood. */
#include "tests/fuzz/session.h"

#include "mda-remote/sts-domain.h"
#include "mda-remote/walk.h"

#define NOW INT64_C(1790000000000)

__attribute__((weak)) struct walk walk;

__attribute__((weak)) int64_t
walk_now(void)
{
	return NOW;
}

/* What is on disk for a domain that nobody has asked about yet. */
static struct sts_domain *
find(char const *name)
{
	struct sts_domain *d = sts_find(name);
	(void)sts_valid(d);
	(void)sts_aged(d);
	return d;
}

static void
found_again(struct sts_domain *d, char const *name)
{
	char was[100], is[100];
	snprintf(was, sizeof was, "%s/spool/policy/%s", instance_dir, d->name);
	snprintf(is, sizeof is, "%s/spool/policy/%s", instance_dir, name);
	sts_save(d);
	if (rename(was, is) < 0)
		abort();
	struct sts_known const *a = &d->known, *b = &find(name)->known;
	if (strcmp(a->id, b->id) || a->fetched != b->fetched || a->until != b->until || a->policy.mode != b->policy.mode ||
	    a->policy.count != b->policy.count || a->text.len != b->text.len)
		abort();
	if (unlink(is) < 0)
		abort();
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	static unsigned int n;
	char path[100], name[30], again[30];
	if (!walk.fd_spool) {
		snprintf(path, sizeof path, "%s/spool/policy", instance());
		if (mkdir(path, 0700) < 0)
			abort();
		snprintf(path, sizeof path, "%s/spool", instance_dir);
		walk.fd_spool = open(path, O_RDONLY | O_DIRECTORY);
	}
	snprintf(name, sizeof name, "a%u.test", n);
	snprintf(again, sizeof again, "b%u.test", n++);
	snprintf(path, sizeof path, "spool/policy/%s", name);
	instance_file(path, data, size);
	struct sts_domain *d = find(name);
	if (d->has) {
		sts_policy_matches(&d->known.policy, "mx.example.org");
		found_again(d, again);
	} else {
		snprintf(path, sizeof path, "%s/spool/policy/%s", instance_dir, name);
		(void)unlink(path);
	}
	return 0;
}

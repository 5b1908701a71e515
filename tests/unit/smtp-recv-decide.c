/* The rules of acceptance (doc/acceptance.md), one row each. */
// objects: smtp-recv/decide.o
#include "smtp-recv/decide.h"

#include "tests/unit/tap.h"

static struct {
	char const *name;
	struct tally tally; /* spool, done, temp, perm */
	int submission;
	enum plan plan;
	/* for PLAN_SPOOL: what follows when the spool accepts, refuses for a time, for good */
	enum plan after[3];
} const rows[] = {
    {"one delivered", {0, 1, 0, 0}, 0, PLAN_ACCEPT, {0}},
    {"all delivered, submission", {0, 3, 0, 0}, 1, PLAN_ACCEPT, {0}},
    {"all failed for good", {0, 0, 0, 2}, 0, PLAN_PERM, {0}},
    {"all failed for good, submission", {0, 0, 0, 2}, 1, PLAN_PERM, {0}},
    {"all failed for a time", {0, 0, 2, 0}, 0, PLAN_TEMP, {0}},
    {"mixed failures, nothing committed", {0, 0, 1, 1}, 0, PLAN_TEMP, {0}},
    {"some delivered, some failed for good", {0, 1, 0, 1}, 0, PLAN_ACCEPT, {0}},
    {"only remote", {2, 0, 0, 0}, 0, PLAN_SPOOL, {PLAN_ACCEPT, PLAN_TEMP, PLAN_PERM}},
    {"delivered and remote", {1, 1, 0, 0}, 0, PLAN_SPOOL, {PLAN_ACCEPT, PLAN_TEMP, PLAN_PERM}},
    {"delivered and failed for a time", {0, 1, 1, 0}, 0, PLAN_SPOOL,
	{PLAN_ACCEPT, PLAN_TEMP, PLAN_PERM}},
    {"failed for a time and remote", {1, 0, 1, 0}, 0, PLAN_SPOOL,
	{PLAN_ACCEPT, PLAN_TEMP, PLAN_TEMP}},
    {"failed for good and remote", {1, 0, 0, 1}, 0, PLAN_SPOOL,
	{PLAN_ACCEPT, PLAN_TEMP, PLAN_PERM}},
    {"failed for a time, submission", {0, 0, 1, 0}, 1, PLAN_SPOOL,
	{PLAN_ACCEPT, PLAN_TEMP, PLAN_TEMP}},
    {"mixed failures, submission", {0, 0, 1, 1}, 1, PLAN_SPOOL,
	{PLAN_ACCEPT, PLAN_TEMP, PLAN_TEMP}},
    {"one of each", {1, 1, 1, 1}, 0, PLAN_SPOOL, {PLAN_ACCEPT, PLAN_TEMP, PLAN_PERM}},
};

static struct {
	char const *name;
	struct tally tally;
	int submission;
	enum plan plan;
} const each[] = {
    {"delivered", {0, 2, 0, 0}, 0, PLAN_ACCEPT},
    {"delivered and failed for a time", {0, 1, 1, 1}, 0, PLAN_ACCEPT},
    {"delivered and failed for a time, submission", {0, 1, 1, 0}, 1, PLAN_SPOOL},
    {"failed for a time", {0, 0, 2, 1}, 0, PLAN_TEMP},
    {"failed for a time, submission", {0, 0, 1, 0}, 1, PLAN_SPOOL},
    {"failed for good", {0, 0, 0, 2}, 0, PLAN_PERM},
    {"failed for good, submission", {0, 0, 0, 2}, 1, PLAN_PERM},
    {"remote", {1, 0, 0, 1}, 0, PLAN_SPOOL},
};

int
main(void)
{
	static enum verdict const spool[] = {VERDICT_DONE, VERDICT_TEMP, VERDICT_PERM};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		enum plan plan = decide_local(&rows[i].tally, rows[i].submission);
		tap_ok(plan == rows[i].plan, "%s", rows[i].name);
		for (int k = 0; plan == PLAN_SPOOL && k < 3; k++)
			tap_ok(decide_final(&rows[i].tally, spool[k]) == rows[i].after[k],
			    "%s, spool answer %d", rows[i].name, k);
	}
	for (size_t i = 0; i < sizeof each / sizeof *each; i++)
		tap_ok(decide_each(&each[i].tally, each[i].submission) == each[i].plan,
		    "PRDR: %s", each[i].name);
	struct tally t = {0, 0, 0, 0};
	for (int k = VERDICT_SPOOL; k <= VERDICT_PERM; k++)
		tally_add(&t, (enum verdict)k);
	tap_ok(t.spool == 1 && t.done == 1 && t.temp == 1 && t.perm == 1, "tally");
	return tap_done();
}

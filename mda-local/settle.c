#include "mda-local/settle.h"

#include <stdlib.h>
#include <string.h>

#include "lib/durable.h"
#include "lib/sa.h"

/* What a report says of the place is its worker's word alone, and no other's copy may hang on it: the
 * file system that is committed is looked at. */
static int
commit(struct job const *job, size_t n, uint64_t placed)
{
	for (size_t i = 0; i < n; i++)
		if (job[i].report.placed == placed && job[i].account->maildir &&
		    !durable_commit(job[i].account->maildir, (dev_t)placed))
			return 0;
	return -1;
}

/* Each by its own worker, where they cannot be committed together. */
static void
settle_each(struct pool *p, struct job *const *job, size_t n, int64_t until)
{
	struct job *const again = xmalloc(n * sizeof *again);
	for (size_t i = 0; i < n; i++) {
		again[i] = (struct job){.account = job[i]->account, .order = job[i]->order};
		again[i].order.work = WORK_SETTLE;
		strcpy(again[i].order.folder, job[i]->report.folder);
		strcpy(again[i].order.file, job[i]->report.file);
	}
	pool_run(p, again, n, -1, until);
	for (size_t i = 0; i < n; i++) {
		job[i]->report.reply = again[i].report.reply;
		job[i]->report.error = again[i].report.error;
	}
	free(again);
}

void
settle(struct pool *p, struct job *job, size_t n, int64_t until)
{
	struct job **const left = xmalloc(n * sizeof *left);
	size_t count = 0;
	for (size_t i = 0; i < n; i++) {
		uint64_t const placed = job[i].report.placed;
		if (!placed)
			continue;
		int const bad = commit(job + i, n - i, placed) < 0;
		for (size_t k = i; k < n; k++)
			if (job[k].report.placed == placed) {
				job[k].report.placed = 0;
				if (bad)
					left[count++] = &job[k];
			}
	}
	if (count)
		settle_each(p, left, count, until);
	free(left);
}

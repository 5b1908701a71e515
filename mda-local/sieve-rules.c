#include "mda-local/sieve-rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "lib/arena.h"
#include "lib/date.h"
#include "lib/log.h"
#include "lib/pread-all.h"
#include "lib/sa.h"
#include "mda-local/mailbox.h"
#include "mda-local/sieve-actions.h"
#include "mda-local/sieve-host.h"
#include "mda-local/sieve-settings.h"

/* Octets of a message that is read: to map it costs more than the copy. */
#define MESSAGE_READ 8192

/* What a worker keeps from message to message. */
struct sieve_rules {
	struct scripts scripts;
	struct arena a;
	char *folder, *active; /* for the sandbox */
};

static char *
in_home(struct worker const *w, char const *name)
{
	stralloc s = STRALLOC_ZERO;
	sa_cats(&s, w->account->home);
	sa_cats(&s, "/");
	sa_cats(&s, name);
	char *const path = xstrdup(sa_str(&s));
	stralloc_free(&s);
	return path;
}

int
sieve_there(struct worker *w)
{
	struct sieve_rules *const s = xmalloc(sizeof *s);
	memset(s, 0, sizeof *s);
	scripts_load(&s->scripts, w->account->home);
	int const e = s->scripts.temporary;
	if (e || !s->scripts.mains) {
		free(s->scripts.home);
		free(s);
		errno = e;
		return e ? -1 : 0;
	}
	s->folder = in_home(w, SCRIPT_FOLDER);
	s->active = in_home(w, SCRIPT_ACTIVE);
	w->state = s;
	/* The zone's file is out of reach later. */
	date_local_zone(time(0));
	return 1;
}

size_t
sieve_paths(struct worker const *w, struct sandbox_path *path)
{
	struct sieve_rules const *const s = w->state;
	path[0] = (struct sandbox_path){s->folder, SANDBOX_READ | SANDBOX_EDIT};
	path[1] = (struct sandbox_path){s->active, SANDBOX_READ};
	path[2] = (struct sandbox_path){sieve_settings()->etc, SANDBOX_READ};
	return 3;
}

/* A script has changed: the next worker, which is not shut in yet, reads it, and does what this one
 * was told. */
static int
outdated(struct sieve_rules const *s, struct report *rep)
{
	if (scripts_fresh(&s->scripts))
		return 0;
	worker_say(rep, REPLY_RULES_UNREADABLE, 0, 0);
	rep->again = rep->ends = 1;
	return 1;
}

void
sieve_check(struct worker *w, struct order const *o, struct report *rep)
{
	struct sieve_rules const *const s = w->state;
	unsigned int const uses = s->scripts.uses;
	if (outdated(s, rep))
		return;
	mailbox_check(w, o, rep);
	/* What is included is not looked into. */
	rep->may_refuse = (uses & (SIEVE_USES_REJECT | SIEVE_USES_INCLUDE)) != 0;
	rep->may_send = (uses & (SIEVE_USES_REDIRECT | SIEVE_USES_INCLUDE)) != 0;
}

/* ---- running ---- */

static char const *
account_address(struct order const *o, struct arena *a)
{
	stralloc s = STRALLOC_ZERO;
	sa_cats(&s, o->local);
	sa_cats(&s, *o->domain ? "@" : "");
	sa_cats(&s, o->domain);
	char const *const address = arena_strndup(a, s.s, s.len);
	stralloc_free(&s);
	return address;
}

static void
run(struct worker *w, struct sieve_work *k, struct sieve_job *job)
{
	struct sieve_rules *const s = w->state;
	struct sieve_result r;
	struct sieve_host host;
	struct sieve_code const *code[SCRIPT_MAIN_MAX];
	unsigned int n = 0;
	struct sieve_message_host m = {.worker = w,
	    .scripts = &s->scripts,
	    .header = job->message.s,
	    .n = job->message.n,
	    .now = job->now,
	    .order = k->order};
	sieve_host_init(&host, &m);
	job->host = &host;
	for (unsigned int i = 0; i < s->scripts.mains; i++)
		if (s->scripts.main[i]->good)
			code[n++] = &s->scripts.main[i]->code;
	sieve_run(&r, &s->a, code, n, job);
	if (r.error)
		scripts_error(&s->scripts, &r, job->now);
	k->result = &r;
	sieve_carry_out(k);
}

/* Null: errno says why. */
static char const *
message_text(struct arena *a, int fd, size_t n)
{
	if (n > MESSAGE_READ) {
		void *const s = mmap(0, n, PROT_READ, MAP_PRIVATE, fd, 0);
		return s == MAP_FAILED ? 0 : s;
	}
	char *const s = arena_alloc(a, n + 1);
	ssize_t const r = pread_all(fd, s, n, 0);
	if (r == (ssize_t)n)
		return s;
	errno = r < 0 ? errno : EIO;
	return 0;
}

void
sieve_deliver(
    struct worker *w, struct order const *o, int fd, struct report *rep, struct outgoing *out)
{
	struct sieve_rules *const s = w->state;
	struct sieve_job job = {.envelope = {.from = o->sender, .to = o->rcpt},
	    .limits = sieve_settings()->limits,
	    .now = time(0),
	    .separators = sieve_settings()->separators};
	if (outdated(s, rep))
		return;
	job.zone = date_local_zone(job.now);
	job.envelope.account = account_address(o, &s->a);
	job.message.n = o->size;
	job.message.s = message_text(&s->a, fd, o->size);
	if (!job.message.s) {
		worker_say(rep, REPLY_STORAGE, errno, 0);
		return;
	}
	struct sieve_work k = {
	    .worker = w, .order = o, .job = &job, .a = &s->a, .fd = fd, .rep = rep, .out = out};
	run(w, &k, &job);
	if (o->size > MESSAGE_READ)
		munmap((void *)(uintptr_t)job.message.s, o->size);
	arena_reset(&s->a);
}

#include "lib/sandbox.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "lib/log.h"
#include "lib/sandbox-calls.h"
#include "lib/sandbox-filter.h"
#include "lib/sandbox-layers.h"
#include "lib/sandbox-mode.h"
#include "lib/secret.h"

#define GROUPS_MAX 64

static unsigned int
id_from(char const *name)
{
	unsigned int id;
	char const *s = getenv(name);
	if (!s)
		strerr_dief3x(100, "started as root: ", name, " must say which user to become");
	if (!uint0_scan(s, &id) || !id || id == (unsigned int)-1)
		strerr_dief3x(100, "bad ", name, " in the environment");
	return id;
}

void
sandbox_drop_user(void)
{
	gid_t groups[GROUPS_MAX];
	size_t count = 0;
	if (geteuid() && getuid())
		return;
	uid_t uid = id_from("UID");
	gid_t gid = id_from("GID");
	char const *list = getenv("GIDLIST");
	if (list && *list && !gid_scanlist(groups, GROUPS_MAX, list, &count))
		strerr_dief1x(100, "bad GIDLIST in the environment");
	if (setgroups(count, groups) < 0 || setgid(gid) < 0 || setuid(uid) < 0)
		strerr_diefu1sys(111, "drop root");
}

static void
close_range_of(unsigned int first, unsigned int last)
{
	if (first > last || !syscall(SYS_close_range, first, last, 0))
		return;
	struct rlimit r;
	if (!getrlimit(RLIMIT_NOFILE, &r) && last >= r.rlim_cur)
		last = (unsigned int)r.rlim_cur;
	for (unsigned int fd = first; fd <= last; fd++)
		close((int)fd);
}

void
sandbox_close_but(int const *keep, size_t count)
{
	unsigned int from = 3;
	for (;;) {
		/* The lowest one to be kept, from `from` on. */
		unsigned int next = ~0u;
		for (size_t i = 0; i < count; i++)
			if (keep[i] >= 0 && (unsigned int)keep[i] >= from &&
			    (unsigned int)keep[i] < next)
				next = (unsigned int)keep[i];
		if (next == ~0u)
			break;
		if (next > from)
			close_range_of(from, next - 1);
		from = next + 1;
	}
	close_range_of(from, ~0u);
}

int
sandbox_limit(unsigned int what, uint64_t n)
{
	struct rlimit now, r = {.rlim_cur = n, .rlim_max = n};
	/* A lower hard limit that is there already stays. */
	if (!getrlimit(what, &now) && now.rlim_max < r.rlim_max)
		r.rlim_cur = r.rlim_max = now.rlim_max;
#ifdef SANDBOX_VALGRIND
	/* Its own descriptors are below the hard limit, which it lets nobody change. */
	if (what == RLIMIT_NOFILE)
		r.rlim_max = now.rlim_max;
#endif
	return setrlimit(what, &r);
}

static void
must_limit(unsigned int what, uint64_t n)
{
	if (sandbox_limit(what, n) < 0)
		strerr_diefu1sys(111, "set a resource limit");
}

static void
set_limits(struct sandbox const *s)
{
	struct stat st;
	int log_is_file = !fstat(2, &st) && S_ISREG(st.st_mode);
	secret_no_core();
#ifndef SANDBOX_SANITIZED
	if (s->memory)
		must_limit(RLIMIT_AS, s->memory);
#endif
	if (s->files)
		must_limit(RLIMIT_NOFILE, s->files);
	if (s->file_size != SANDBOX_UNLIMITED && !log_is_file)
		must_limit(RLIMIT_FSIZE, s->file_size);
	if (s->processes != SANDBOX_ANY)
		must_limit(RLIMIT_NPROC, s->processes);
}

static void
layer(char const *name, int r)
{
	if (r < 0)
		strerr_diefu2sys(111, "confine itself by ", name);
	if (r)
		return;
	struct sandbox_mode const *mode = sandbox_mode();
	if (mode->require)
		strerr_dief3x(
		    111, "etc/require-sandbox: this kernel has no ", name, " to confine it by");
	if (!mode->told)
		log_1("sandbox", "missing", name);
}

/* What can be made beforehand. */
static struct prepared {
	struct sandbox const *of; /* null: nothing */
	int rules;
	unsigned int groups; /* whom the filter is for; 0: there is none yet */
	struct sock_filter code[SANDBOX_FILTER_MAX];
	struct sock_fprog filter;
} prepared;

void
sandbox_prepare_filter(struct sandbox const *s)
{
	struct prepared *p = &prepared;
	unsigned int const groups =
	    s->calls | SANDBOX_BASE | (sandbox_mode()->kill ? SANDBOX_KILLS : 0);
	if (p->groups == groups)
		return;
	p->filter.len =
	    s->calls & SANDBOX_ANY_CALL ? 0 : (unsigned short)sandbox_filter(p->code, groups);
	p->filter.filter = p->code;
	p->groups = groups;
}

void
sandbox_prepare(struct sandbox const *s)
{
	struct prepared *p = &prepared;
	if (p->of && p->rules >= 0)
		close(p->rules);
	p->rules = sandbox_landlock_rules(s);
	if (p->rules == -1)
		strerr_diefu2sys(111, "confine itself by ", "landlock");
	sandbox_prepare_filter(s);
	p->of = s;
}

void
sandbox_enter(struct sandbox const *s)
{
	if (prepared.of != s)
		sandbox_prepare(s);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		strerr_diefu1sys(111, "give up privileges");
	/* Landlock before the limits: its rules open files. */
	layer("landlock", sandbox_landlock(prepared.rules));
	prepared.of = 0;
	set_limits(s);
	if (!(s->calls & SANDBOX_ANY_CALL))
		layer("seccomp", sandbox_seccomp(&prepared.filter));
}

#include "point.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "calls.h"
#include "registers.h"
#include "say.h"
#include "tasks.h"

#define E(name)                                                                                    \
	{                                                                                          \
		name, #name                                                                        \
	}
static struct {
	int number;
	char const *name;
} const errors[] = {E(EIO), E(ENOSPC), E(EDQUOT), E(EMFILE), E(ENFILE), E(ENOMEM), E(EINTR),
    E(EAGAIN), E(ENOENT), E(ESTALE), E(EROFS), E(EXDEV), E(EPERM), E(EACCES), E(EINVAL), E(ENOLCK),
    E(EMLINK), E(ECONNRESET), E(EPIPE), E(ENOSYS), E(EEXIST), E(EOPNOTSUPP), E(ETIMEDOUT)};

static struct {
	char role[ROLE_MAX]; /* "": any */
	long number;
	unsigned int n;
	enum { NO_FAULT, KILL, KILL_ALL, FAIL, SHORT } fault;
	int error, hit, onward;
	char what[512];
} point;
static int all_calls;

/* ---- what is asked for ---- */

static void
parse_fault(char const *fault)
{
	point.fault = !strcmp(fault, "kill")	? KILL
		      : !strcmp(fault, "all")	? KILL_ALL
		      : !strcmp(fault, "short") ? SHORT
						: FAIL;
	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
		if (!strcmp(errors[i].name, fault))
			point.error = errors[i].number;
}

void
point_parse(char *text)
{
	char *end;
	char *role = text, *name = strchr(role, ':'), *n = name ? strchr(name + 1, ':') : 0,
	     *fault = n ? strchr(n + 1, ':') : 0;
	errno = EINVAL;
	if (!fault)
		die(text);
	*name++ = *n++ = *fault++ = 0;
	snprintf(point.role, sizeof point.role, "%s", role);
	point.number = call_by_name(name);
	point.n = (unsigned int)strtoul(n, &end, 10);
	point.onward = *end == '+';
	parse_fault(fault);
	errno = EINVAL;
	if (point.number < 0 || !point.n || (point.fault == FAIL && !point.error))
		die("point");
}

void
point_list_calls(void)
{
	all_calls = 1;
}

/* ---- what happens ---- */

static int
is_point(struct task const *t)
{
	return point.fault != NO_FAULT && t->number == point.number &&
	       (point.onward ? t->n >= point.n : t->n == point.n && !point.hit) &&
	       (!point.role[0] || !strcmp(point.role, t->role->name));
}

static void
cut_short(struct task *t, struct call *c)
{
	struct iovec v;
	unsigned long length = call_argument(c, 2), at = call_argument(c, 1);
	long n = call_number(c);
	if (n == SYS_writev) {
		if (call_memory(t->tid, at, &v, sizeof v) != sizeof v)
			return;
		n = SYS_write;
		at = (unsigned long)v.iov_base;
		length = v.iov_len;
	}
	if (length > 1)
		call_replace(c, t->tid, n, at, length / 2);
}

static void
go_wrong(struct task *t, struct call *c)
{
	point.hit = 1;
	call_what(t, c, point.what, sizeof point.what);
	if (point.fault == FAIL)
		call_refuse(c, t->tid, -point.error);
	else if (point.fault == SHORT)
		cut_short(t, c);
	else
		t->dies = 1;
}

void
point_call(struct task *t)
{
	struct call c;
	t->caller = 0;
	if (call_get(&c, t->tid) < 0 || call_number(&c) < 0 || call_number(&c) >= CALLS_MAX ||
	    !t->role || call_is_beginning(t, &c))
		return;
	t->number = call_number(&c);
	t->caller = t->role;
	t->n = ++t->role->count[t->number];
	t->what[0] = 0;
	if (all_calls)
		call_what(t, &c, t->what, sizeof t->what);
	if (is_point(t))
		go_wrong(t, &c);
}

int
point_waits(struct task const *t)
{
	return t->caller && (t->dies || all_calls);
}

static void
list(struct task *t, long result)
{
	for (char *s = t->what; *s; s++)
		if (*s == '\t' || *s == '\n')
			*s = '?';
	report(
	    "%s\t%s\t%u\t%ld\t%s\n", t->caller->name, call_name(t->number), t->n, result, t->what);
}

void
point_called(struct task *t)
{
	struct call c;
	if (all_calls && t->caller && call_get(&c, t->tid) == 0)
		list(t, call_result(&c));
	t->caller = 0;
	if (t->dies && point.fault == KILL)
		kill(t->tgid, SIGKILL);
	if (t->dies && point.fault == KILL_ALL)
		tasks_kill();
}

void
point_report(void)
{
	report(point.hit ? "hit\t%s\n" : "miss\n", point.what);
}

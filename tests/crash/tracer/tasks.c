#include "tasks.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "say.h"

#define TASKS_MAX 512
#define PROGRAMS_MAX 64

static struct task tasks[TASKS_MAX];
static size_t tasks_len;
static struct {
	char name[ROLE_MAX];
	unsigned int runs;
} programs[PROGRAMS_MAX];

struct task *
task_find(pid_t tid)
{
	for (size_t i = 0; i < tasks_len; i++)
		if (tasks[i].tid == tid)
			return tasks + i;
	return 0;
}

static void
add(pid_t tid, pid_t tgid, struct role *role)
{
	if (tasks_len == TASKS_MAX) {
		errno = EAGAIN;
		die("too many processes");
	}
	tasks[tasks_len++] = (struct task){.tid = tid, .tgid = tgid, .role = role};
}

static struct role *
new_role(char const *name, int starting)
{
	struct role *r = calloc(1, sizeof *r);
	if (!r)
		die("memory");
	snprintf(r->name, sizeof r->name, "%.63s", name);
	r->starting = starting;
	return r;
}

void
task_start(pid_t pid)
{
	add(pid, pid, new_role("tracer", 1));
}

void
task_early(pid_t tid)
{
	add(tid, tid, 0);
}

void
task_executed(struct task *t)
{
	char link[64], path[512], *base;
	size_t i = 0;
	snprintf(link, sizeof link, "/proc/%d/exe", t->tgid);
	ssize_t n = readlink(link, path, sizeof path - 1);
	path[n < 0 ? 0 : n] = 0;
	base = strrchr(path, '/');
	base = base ? base + 1 : path;
	while (i < PROGRAMS_MAX - 1 && programs[i].name[0] && strcmp(programs[i].name, base))
		i++;
	snprintf(programs[i].name, sizeof programs[i].name, "%.63s", base);
	programs[i].runs++;
	t->role = new_role(base, 1);
	if (programs[i].runs > 1)
		snprintf(t->role->name, sizeof t->role->name, "%.40s.%u", base, programs[i].runs);
}

static int
is_thread(pid_t tgid, pid_t tid)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/task/%d", tgid, tid);
	return !access(path, F_OK);
}

static struct role *
role_of_child(struct role *parent)
{
	char name[ROLE_MAX];
	snprintf(name, sizeof name, "%.50s/%u", parent->name, ++parent->forks);
	return new_role(name, 0);
}

void
task_forked(struct task *parent, pid_t child)
{
	int const thread = is_thread(parent->tgid, child);
	struct role *const r = thread ? parent->role : role_of_child(parent->role);
	pid_t const tgid = thread ? parent->tgid : child;
	/* The child's first stop may have come before this. */
	struct task *t = task_find(child);
	if (t) {
		t->role = r;
		t->tgid = tgid;
		ptrace(PTRACE_CONT, child, 0, 0);
	} else {
		add(child, tgid, r);
	}
}

void
task_ended(struct task *t, int status)
{
	if (t->role && t->tid == t->tgid)
		report("end\t%s\t%s\t%d\n", t->role->name, WIFEXITED(status) ? "exit" : "signal",
		    WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	*t = tasks[--tasks_len];
}

int
tasks_any(void)
{
	return tasks_len > 0;
}

void
tasks_kill(void)
{
	for (size_t i = 0; i < tasks_len; i++)
		kill(tasks[i].tgid, SIGKILL);
}

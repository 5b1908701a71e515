/* The processes that are traced, and their roles. */
#ifndef CRASH_TASKS_H
#define CRASH_TASKS_H

#include <sys/types.h>

#define CALLS_MAX 512
#define ROLE_MAX 64

/* A process's, shared by its threads. */
struct role {
	char name[ROLE_MAX];
	unsigned int count[CALLS_MAX]; /* of each call: how often it was made */
	unsigned int forks;
	int starting; /* the loader is at work, and the program's own code has not begun */
};

struct task {
	pid_t tid, tgid;
	struct role *role; /* null: its parent has not been heard of */
	/* The call that it is making: */
	struct role *caller; /* the role as it was then; null: none that counts */
	long number;
	unsigned int n;
	int dies; /* when the call has been made */
	char what[512];
};

struct task *task_find(pid_t tid);
/* A program that the tracer starts itself. */
void task_start(pid_t pid);
/* One that has stopped before its parent was heard of: task_forked lets it go. */
void task_early(pid_t tid);
/* The process has become another program. */
void task_executed(struct task *t);
void task_forked(struct task *parent, pid_t child);
/* Says so in the report. */
void task_ended(struct task *t, int status);

int tasks_any(void);
void tasks_kill(void);

#endif

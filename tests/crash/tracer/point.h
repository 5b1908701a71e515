/* The point at which something goes wrong, and what that is; and the list of all calls. */
#ifndef CRASH_POINT_H
#define CRASH_POINT_H

struct task;

/* ROLE:CALL:N:FAULT, which is taken apart in place. */
void point_parse(char *text);
/* From now on every call gets a line in the report. */
void point_list_calls(void);

/* A process is about to make a call; it has made it. */
void point_call(struct task *t);
void point_called(struct task *t);
/* Whether it is to stop when its call has been made. */
int point_waits(struct task const *t);

/* Says in the report whether the point was met. */
void point_report(void);

#endif

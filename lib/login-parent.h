/* The parent's side of lib/login.h, in two halves: login-parent.c serves the child's requests,
 * login-run.c runs the checkpassword program for one of them. */
#ifndef POSTERN_LOGIN_PARENT_H
#define POSTERN_LOGIN_PARENT_H

#include <sys/types.h>

#include "lib/login-request.h"

/* Seconds that a program has to end after it closed the session's descriptor without a report;
 * afterwards it counts as running. */
#define LOGIN_GRACE_SECONDS 1
/* Seconds that the child has for its goodbye when the parent is told to end. */
#define LOGIN_GOODBYE_SECONDS 5

struct login_parent {
	enum login_kind kind;
	char *const *argv;
	int fd; /* to the child */
	int fd_signals;
	pid_t child;
	int child_status; /* meaningful once child is 0 */
	int ending;	  /* TERM or HUP came */
	unsigned int check_seconds, attempts, delay_ms;
	unsigned int failures; /* checks so far that did not succeed */
	int over;	       /* the last verdict was the last: no further check */
	int tls_before;	       /* SSL_PROTOCOL was set at the start: the child cannot change it */
	struct login_run *run; /* null: no program runs */
};

struct login_run {
	pid_t pid; /* 0: ended, with status */
	int status;
	int fd_session; /* the parent's end; -1: closed */
	int pidfd;	/* the session's process if it is not the program's; -1 */
};

/* Serves requests until the child or its session ends, and exits. */
void login_parent_serve(struct login_parent *p) __attribute__((noreturn));
/* Reads the pending signals: notes ends of child and program, passes TERM and HUP on. */
void login_parent_signals(struct login_parent *p);
/* Waits for a signal (handled), for fd (-1: none), or for the deadline: 1 if fd is readable, 0
 * otherwise. Exits 111 if it cannot wait. */
int login_parent_wait(struct login_parent *p, int fd, tain const *deadline);

/* Logs event=EVENT why=(errno's text). */
void login_parent_error(char const *event, int e);

/* Runs the program. conn: the connection's two descriptors (LOGIN_SESSION). LOGIN_OK: the session
 * is up (p->run is set), or the program has said yes. input: r->input_len bytes. */
enum login_verdict login_run(struct login_parent *p, struct login_run *run, struct login_request *r,
    int const conn[2], char const *input);
/* Sends a signal to the session, or to the program while there is none. */
void login_run_signal(struct login_run const *run, int sig);

#endif

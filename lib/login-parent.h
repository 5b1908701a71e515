/* The parent's side of lib/login.h: login-parent.c serves the child's requests, which login-receive.c
 * takes, login-judge.c judges, login-identity.c finds out who somebody is that shows no password,
 * login-delay.c makes guessing slow, login-run.c runs the checkpassword program. */
#ifndef POSTERN_LOGIN_PARENT_H
#define POSTERN_LOGIN_PARENT_H

#include <sys/types.h>

#include "lib/login-offer.h"
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
	unsigned int user_connections;
	char const *service;
	char const *address; /* the peer's, if failures are to be counted against it; else null */
	int proxy;	     /* the peer may still say that it is another */
	int fd_tls;	     /* SSLCTLFD; -1: TLS cannot be started (any more) */
	struct login_offer offer;
	char const *become[3]; /* UID, GID, GIDLIST: for the program that judges tokens */
	struct login_scram {
		char login[LOGIN_NAME_MAX + 1];	 /* whose keys these are */
		char proved[LOGIN_NAME_MAX + 1]; /* who has shown that he knows them */
		char nonce[SCRAM_NONCE + 1];	 /* "": none was given, or it is used up */
		int known;			 /* there is such an account, with keys */
		struct scram_keys keys;
	} scram;
	struct login_run *run; /* null: no program runs */
};

struct login_run {
	pid_t pid; /* 0: ended, with status */
	int status;
	int fd_session; /* the parent's end; -1: closed */
	int pidfd;	/* the session's process if it is not the program's; -1 */
	int authorized; /* without a password */
	int counted;	/* among the login's connections */
};

/* Serves requests until the child or its session ends, and exits. */
void login_parent_serve(struct login_parent *p) __attribute__((noreturn));
/* Reads the pending signals: notes ends of child and program, passes TERM and HUP on. */
void login_parent_signals(struct login_parent *p);
/* Waits for a signal (handled), for fd (-1: none), or for the deadline: 1 if fd is readable, 0
 * otherwise. Exits 111 if it cannot wait. */
int login_parent_wait(struct login_parent *p, int fd, tain const *deadline);

/* login-receive.c. A request as it came, in one piece. */
struct login_message {
	struct login_request r;
	char tail[LOGIN_TAIL_MAX];
};
/* 1 a request of the right form, 0 the child has ended, -1 not a request. fds: two descriptors or
 * -1; the caller's. */
int login_receive(struct login_parent *p, struct login_message *m, int fds[2]);
/* Is it a C string within its size, without controls? */
int login_is_text(char const *s, size_t size, int may_be_empty);

/* login-judge.c. Judges what shows who somebody is, and opens the account; a refusal takes its time
 * and is counted. conn, run: as login_run; a: what a proof is answered with. Logs how it went. */
enum login_verdict login_judge(struct login_parent *p, struct login_run *run,
    struct login_message *m, int const conn[2], struct login_answer *a);

/* login-peer.c. The peer's address, if failures count against it: for all connections from there. */
char const *login_peer_address(void);
/* Another peer, as the child says that a proxy has said. */
enum login_verdict login_peer_change(struct login_parent *p, struct login_request const *r);

/* Logs event=EVENT why=(errno's text). */
void login_parent_error(char const *event, int e);

/* Runs the program. conn: the connection's two descriptors (LOGIN_SESSION). LOGIN_OK: the session
 * is up (p->run is set), or the program has said yes. input: r->input_len bytes. authorized: it
 * gets AUTHORIZED=1 and no password. */
enum login_verdict login_run(struct login_parent *p, struct login_run *run, struct login_request *r,
    int const conn[2], char const *input, int authorized);
/* Sends a signal to the session, or to the program while there is none. */
void login_run_signal(struct login_run const *run, int sig);

/* login-identity.c. Each may change r->login to the account's name: LOGIN_OK, LOGIN_REFUSED or
 * LOGIN_TEMPFAIL. */
enum login_verdict login_scram_keys(
    struct login_parent *p, struct login_request const *r, struct sasl_keys *k);
enum login_verdict login_scram_proof(struct login_parent *p, struct login_request *r,
    char const *data, unsigned char signature[static HASH_MAX]);
enum login_verdict login_scram_proved(struct login_parent *p, struct login_request *r);
enum login_verdict login_certificate(struct login_request *r);
/* login-token.c. Has the program of etc/sasl-oauth-checker look at a token. */
enum login_verdict login_token(
    struct login_parent *p, struct login_run *run, struct login_request *r, char const *token);

/* login-delay.c. Before a check: waits where this address or this account has failed often. Behind
 * a refusal: waits until its time is over, counted from begin. */
void login_delay_before(struct login_parent *p, char const *login);
void login_delay_after(struct login_parent *p, struct login_request const *r, tain const *begin);
/* Counts a refusal; attempt tells it from the refusal of another password. */
void login_delay_count(struct login_parent *p, struct login_request const *r,
    unsigned char const attempt[static HASH_MAX]);

#endif

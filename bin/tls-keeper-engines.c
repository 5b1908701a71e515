#include "bin/tls-keeper.h"

#include <errno.h>
#include <malloc.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <skalibs/selfpipe.h>
#include <skalibs/strerr.h>

#include "lib/log.h"

/* What ps shows. */
#define ZYGOTE "tls-keeper-z"
#define ENGINE "tls-engine"

/* What an engine is told beside its descriptors, the last of which is its notify. */
struct order {
	char silent; /* nobody wants the reply */
	char text[TLS_REQUEST_MAX];
};
enum { NOTIFY = TLS_FDS, FDS };

/* In the new process. null ids: it is a zygote's copy. */
static void become_engine(struct engines *e, struct tls_request const *r, int const *fds,
    int silent, struct tls_ids const *ids) __attribute__((noreturn));
static void
become_engine(struct engines *e, struct tls_request const *r, int const *fds, int silent,
    struct tls_ids const *ids)
{
	struct tls_job job = {
	    .notify = silent ? -1 : fds[NOTIFY], .request = *r, .tell_failure = r->at_once};
	memcpy(job.fd, fds, sizeof job.fd);
	if (silent)
		close(fds[NOTIFY]);
	PROG = "tls-engine";
	if (job.request.verbosity < e->verbosity)
		job.request.verbosity = e->verbosity;
	_exit(tls_serve(&e->certs, ids, &job));
}

static void become_zygote(struct engines *e) __attribute__((noreturn));
static void
become_zygote(struct engines *e)
{
	static struct order o;
	struct tls_request r;
	int fds[FDS];
	selfpipe_finish();
	prctl(PR_SET_NAME, ZYGOTE);
#ifdef __GLIBC__
	/* Or each copy would put the free pieces together, and write in all their pages. */
	malloc_trim(0);
#endif
	if (!tls_serve_confined(&e->ids, 1))
		_exit(111);
	size_t const n = zygote_serve(&o, sizeof o, fds, FDS);
	prctl(PR_SET_NAME, ENGINE);
	/* The holder has understood it, too. */
	if (!tls_request_scan(o.text, n - offsetof(struct order, text), &r))
		_exit(111);
	become_engine(e, &r, fds, o.silent, 0);
}

/* A zygote limits its copies' processes, which means nothing to root. */
static int
engines_are_root(struct engines const *e)
{
	return !geteuid() && !(e->ids.has_uid && e->ids.uid);
}

static pid_t
fork_engine(struct engines *e, struct client *c, int const *fds, int silent)
{
	pid_t const pid = fork();
	if (pid)
		return pid;
	selfpipe_finish();
	become_engine(e, &c->request, fds, silent, &e->ids);
}

static pid_t
copy_engine(struct engines *e, struct client *c, int const *fds, int silent)
{
	struct order o = {.silent = (char)silent};
	memcpy(o.text, c->text, c->len);
	for (int again = 1;; again = 0) {
		int const r = e->zygote.fd < 0 ? zygote_start(&e->zygote) : 1;
		if (!r)
			become_zygote(e);
		pid_t const pid = r < 0 ? -1
					: zygote_copy(&e->zygote, &o,
					      offsetof(struct order, text) + c->len, fds, FDS);
		if (pid > 0 || !again || (errno != EPIPE && errno != ECONNRESET))
			return pid;
		zygote_end(&e->zygote);
	}
}

static void
refuse(struct client *c, char const *reason)
{
	char const answer[2] = {TLS_FAILED_MARK, TLS_EXIT_SYSTEM};
	log_id(c->request.id);
	log_2("refused", "ip", c->request.ip, "reason", reason);
	log_id(0);
	if (c->request.at_once && write(c->fd, answer, sizeof answer) < 0) {
	}
}

void
engines_start(struct engines *e, struct client *c, int silent)
{
	if (e->count >= e->max) {
		refuse(c, "as many engines as -c allows");
		return;
	}
	engines_refresh(e);
	int fds[FDS];
	memcpy(fds, c->held, sizeof c->held);
	fds[NOTIFY] = c->fd;
	if ((engines_are_root(e) ? fork_engine : copy_engine)(e, c, fds, silent) < 0)
		refuse(c, "unable to fork");
	else
		e->count++;
}

/* An engine has what its zygote had. */
void
engines_refresh(struct engines *e)
{
	if (tls_certs_refresh(&e->certs))
		zygote_end(&e->zygote);
}

void
engines_bury(struct engines *e, pid_t pid)
{
	if (pid == e->zygote.pid)
		zygote_end(&e->zygote);
	else if (e->count) /* it may have had a child before it was the holder */
		e->count--;
}

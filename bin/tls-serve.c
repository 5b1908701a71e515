#include "bin/tls-serve.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <skalibs/sig.h>
#include <skalibs/strerr.h>
#include <skalibs/types.h>

#include "bin/tls-relay.h"
#include "bin/tls-session.h"
#include "lib/log.h"
#include "lib/sandbox.h"
#include "lib/skalibs-compat.h"

/* What an engine may have open: the log, five of its own, and room for poll's count. */
#define ENGINE_FILES 16

/* An engine: its connection, the pipes and sockets to its application and its holder. No file, no
 * socket, no process; the one that is copied for each connection may make these copies. */
static struct sandbox sandbox_policy = {.files = ENGINE_FILES};

void
tls_ids_from_env(struct tls_ids *ids)
{
	char const *uid = getenv("TLS_UID"), *gid = getenv("TLS_GID");
	*ids = (struct tls_ids){.has_uid = uid != 0, .has_gid = gid != 0};
	if (uid && !uid0_scan(uid, &ids->uid))
		strerr_dief1x(100, "TLS_UID is no number");
	if (gid && !gid0_scan(gid, &ids->gid))
		strerr_dief1x(100, "TLS_GID is no number");
}

static int
drop_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
	return (int)syscall(SYS_capset, &header, none);
}

/* 0 if this process could not give up what it must. */
static int
give_up_rights(struct tls_ids const *ids, int copies)
{
	if (!geteuid()) {
		/* The groups first: setgid and setuid leave them as they are. */
		if ((ids->has_uid || ids->has_gid) && setgroups(0, 0) < 0)
			return 0;
		if ((ids->has_gid && setgid(ids->gid) < 0) ||
		    (ids->has_uid && setuid(ids->uid) < 0))
			return 0;
	}
	if (drop_capabilities() < 0)
		return 0;
	if (copies) {
		sandbox_policy.calls = SANDBOX_ZYGOTE;
		sandbox_policy.processes = SANDBOX_ANY;
	}
	sandbox_enter(&sandbox_policy);
	return 1;
}

int
tls_serve_confined(struct tls_ids const *ids, int copies)
{
	sig_ignore(SIGPIPE);
	if (give_up_rights(ids, copies))
		return 1;
	strerr_warnwu1sys("give up privileges");
	return 0;
}

static void
log_handshake(SSL *ssl, char const *ip)
{
	char name[TLS_NAME_MAX + 1];
	unsigned char const *alpn;
	unsigned int alpn_len;
	log_event("tls");
	log_str("ip", ip);
	log_str("protocol", SSL_get_version(ssl));
	log_str("cipher", SSL_get_cipher_name(ssl));
	if (tls_session_sni(ssl, name))
		log_str("sni", name);
	SSL_get0_alpn_selected(ssl, &alpn, &alpn_len);
	if (alpn_len)
		log_strn("alpn", (char const *)alpn, alpn_len);
	log_str("resumed", SSL_session_reused(ssl) ? "yes" : "no");
	log_send();
}

static void
log_failure(char const *event, char const *ip, char const *reason)
{
	log_2(event, "ip", ip, "reason", reason);
}

/* The handshake: 0, or an exit code after logging why. */
static int
shake_hands(SSL *ssl, struct tls_job const *job)
{
	tain deadline;
	tain_now_set_stopwatch_g();
	tain_from_millisecs(&deadline, (int)job->request.timeout_ms);
	tain_add_g(&deadline, &deadline);
	ndelay_on(job->fd[TLS_FD_NET_IN]);
	ndelay_on(job->fd[TLS_FD_NET_OUT]);
	char const *reason = tls_session_handshake(ssl, &deadline);
	if (!reason)
		return 0;
	int timeout = errno == ETIMEDOUT;
	log_failure("tls-failed", job->request.ip, reason);
	return timeout ? TLS_EXIT_ENGINE : TLS_EXIT_HANDSHAKE;
}

/* What others have open - other clients' connections, the holder's socket - must not live on in
 * here. */
static void
close_others(struct tls_job const *job)
{
	int keep[TLS_FDS + 1];
	memcpy(keep, job->fd, sizeof job->fd);
	keep[TLS_FDS] = job->notify;
	sandbox_close_but(keep, TLS_FDS + 1);
}

/* One write: whoever reads it may do so with one read. */
static void
tell(struct tls_job const *job, SSL *ssl, int failure)
{
	char reply[TLS_REPLY_MAX] = {TLS_FAILED_MARK, (char)failure};
	size_t len = ssl ? tls_session_reply(ssl, reply) : 2;
	if (job->notify < 0)
		return;
	/* If nobody is there to read it, the relay will find out. */
	if ((ssl || job->tell_failure) && write(job->notify, reply, len) < 0) {
	}
	close(job->notify);
}

int
tls_serve(struct tls_certs *certs, struct tls_ids const *ids, struct tls_job const *job)
{
	struct tls_request const *r = &job->request;
	int code = TLS_EXIT_SYSTEM;
	log_id(r->id);
	if (ids) {
		close_others(job);
		if (!tls_serve_confined(ids, 0)) {
			tell(job, 0, code);
			return code;
		}
	}
	SSL *ssl =
	    tls_session_new(certs, r, job->fd[TLS_FD_NET_IN], job->fd[TLS_FD_NET_OUT], &code);
	if (ssl)
		code = shake_hands(ssl, job);
	tls_tickets_forget(&certs->tickets);
	if (code) {
		tell(job, 0, code);
		return code;
	}
	if (r->verbosity)
		log_handshake(ssl, r->ip);
	tell(job, ssl, 0);
	char const *reason =
	    tls_relay(ssl, job->fd[TLS_FD_FROM_APP], job->fd[TLS_FD_TO_APP], r->strict_eof);
	if (reason)
		log_failure("tls-ended", r->ip, reason);
	return reason ? TLS_EXIT_ENGINE : 0;
}

#include "mda-remote/send-open.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

void
send_keep_reason(struct attempt *why, struct attempt const *now)
{
	/* A peer's own words say more than that another one could not be reached. */
	if (!why->code || now->code)
		*why = *now;
}

/* For reports (RFC 8460 4.4, sending-mta-ip); the system may have chosen it. */
static void
note_ours(struct send *s, int fd)
{
	union {
		struct sockaddr sa;
		struct sockaddr_in in4;
		struct sockaddr_in6 in6;
	} u;
	socklen_t len = sizeof u;
	s->ours[0] = 0;
	if (getsockname(fd, &u.sa, &len) < 0)
		return;
	if (u.sa.sa_family == AF_INET)
		inet_ntop(AF_INET, &u.in4.sin_addr, s->ours, sizeof s->ours);
	else if (u.sa.sa_family == AF_INET6)
		inet_ntop(AF_INET6, &u.in6.sin6_addr, s->ours, sizeof s->ours);
}

/* To the Unix socket, or to one of host[begin..end). 0; -1 when there is none left. */
static int
connect_any(struct send *s, unsigned int begin, unsigned int end, struct attempt *why)
{
	unsigned int seconds =
	    s->timeout < SEND_CONNECT_SECONDS ? s->timeout : SEND_CONNECT_SECONDS;
	int fd = -1;
	memset(&s->tls_state, 0, sizeof s->tls_state);
	if (!s->socket)
		fd = send_race(s, begin, end, why);
	else if (smtp_client_unix(&s->c, s->socket, seconds) < 0) {
		send_io_error(why, "connect");
		attempt_peer(why, s->socket, 0);
	} else
		fd = s->c.net.fd_in;
	if (fd < 0)
		return -1;
	note_ours(s, fd);
	smtp_client_fds(&s->c, fd, fd);
	s->c.lmtp = s->lmtp;
	return 0;
}

/* Makes the connection ready. */
static int
use(struct send *s, int clear, struct attempt *why)
{
	int r = send_open(s, clear, why);
	attempt_peer(why, s->peer ? s->peer->name : s->socket, s->peer ? s->peer->ip : 0);
	if (r != READY)
		send_abandon(s);
	return r;
}

/* Once more with host i, over a new connection. */
static int
again(struct send *s, unsigned int i, int clear, struct attempt *now, struct attempt *why)
{
	if (connect_any(s, i, i + 1, why) < 0)
		return FAILED;
	int r = use(s, clear, now);
	if (r != READY)
		send_keep_reason(why, now);
	return r;
}

/* Until one of host[begin..end) is READY. */
static int
try_hosts(struct send *s, unsigned int begin, unsigned int end, struct attempt *why)
{
	while (!send_orphaned() && !connect_any(s, begin, end, why)) {
		struct attempt now;
		unsigned int i = (unsigned int)(s->peer - s->host);
		int r = use(s, 0, &now);
		if (r == AGAIN_AFRESH)
			r = again(s, i, 0, &now, why);
		else if (r != READY)
			send_keep_reason(why, &now);
		if (r == READY)
			return READY;
		if (!s->peer)
			return FAILED;
		/* Opportunistic (RFC 7435): what cannot be encrypted goes in clear. */
		if (r == AGAIN_IN_CLEAR && again(s, i, 1, &now, why) == READY)
			return READY;
		s->host[i].state = now.verdict == 'f' ? HOST_REFUSES : HOST_UNUSABLE;
	}
	return FAILED;
}

/* One host's refusal is final only if no other host just could not be reached, or
 * looked up. */
static void
soften(struct send const *s, struct attempt *why)
{
	unsigned int refuse = 0;
	while (refuse < s->hosts && (s->host[refuse].state == HOST_REFUSES ||
					(s->loop && s->host[refuse].state == HOST_UNTRIED)))
		refuse++;
	if ((refuse == s->hosts && !s->policy.incomplete) || why->verdict != 'f')
		return;
	why->verdict = 'w';
	why->status[0] = '4';
}

int
send_connect(struct send *s, struct attempt *why)
{
	attempt_set(why, 'w', 0, "4.3.0", "no address to connect to");
	tain_now_g();
	tain_addsec_g(&s->job_deadline, SEND_JOB_SECONDS);
	if (s->socket)
		return try_hosts(s, 0, 0, why);
	/* The next preference only when nobody of this one can be used (RFC 5321 5.1). */
	for (unsigned int i = 0, end; i < s->hosts; i = end) {
		for (end = i + 1; end < s->hosts && s->host[end].rank == s->host[i].rank;)
			end++;
		if (try_hosts(s, i, end, why) == READY)
			return 0;
		/* Those behind this host in preference would bring the mail here (RFC 5321 5.1). */
		if (s->loop)
			break;
	}
	soften(s, why);
	return -1;
}

/* From a TCP connection to one that is ready for MAIL: what the parts of smtp-send that do it
 * share. */
#ifndef POSTERN_MDA_REMOTE_SEND_OPEN_H
#define POSTERN_MDA_REMOTE_SEND_OPEN_H

#include "mda-remote/send.h"

enum { READY = 0, FAILED = -1, AGAIN_IN_CLEAR = 1, AGAIN_AFRESH = 2 };

/* send-open.c: greeting, EHLO, STARTTLS, AUTH over the connection in s->c. `clear`: STARTTLS is not
 * used. READY; FAILED with the reason; AGAIN_IN_CLEAR, AGAIN_AFRESH (a TLS session was offered, which
 * is none the next time) with the reason, over a new connection. */
int send_open(struct send *s, int clear, struct attempt *why);
/* send-race.c: connects to one of host[begin..end) that is HOST_UNTRIED, whoever answers first (RFC
 * 8305 5): s->peer. The descriptor; -1 when none is left, with the reason. */
int send_race(struct send *s, unsigned int begin, unsigned int end, struct attempt *why);
/* send-tls.c: TLS with s->peer before its greeting. READY, FAILED or AGAIN_AFRESH. */
int send_tls_first(struct send *s, struct attempt *why);
/* Behind EHLO (RFC 3207): STARTTLS with s->peer as far as it is offered or asked for, and EHLO
 * behind it. As send_open. */
int send_tls(struct send *s, int clear, struct attempt *why);
/* send-session.c: the session of s->peer's, which is offered once; or null. */
char const *send_session_take(struct send *s);
/* send-auth.c (RFC 4954): READY, or FAILED with the reason. */
int send_auth(struct send *s, struct attempt *why);

/* FAILED, with errno as the reason, while `what`. */
int send_io_error(struct attempt *why, char const *what);
/* FAILED, with the reply that was read last; permanent only where the caller finds no other host.
 */
int send_refused(struct send *s, struct attempt *why);

/* *why becomes `now` where that says more. */
void send_keep_reason(struct attempt *why, struct attempt const *now);
/* Closes a connection that is not to be used, with QUIT if the server still listens. */
void send_abandon(struct send *s);

#endif

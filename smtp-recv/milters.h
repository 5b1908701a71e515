/* The filters of a session (etc/milters), in their order: who is asked when, and what an answer
 * means for the client. They are connected to at the first MAIL and learn of connection and
 * greeting then; what they have against these is the reply to MAIL. */
#ifndef SMTP_RECV_MILTERS_H
#define SMTP_RECV_MILTERS_H

#include "smtp-recv/limits.h"
#include "smtp-recv/milter.h"

struct session;
struct recipient;
struct smtp_rcpt;

struct milters {
	struct milter one[MILTERS_MAX];
	size_t count;
	int refused; /* the last recipient, by a filter */
};
/* Each filter of a session, in their order. */
#define EACH_MILTER(m, s)                                                                          \
	for (struct milter *m = (s)->milters.one; m < (s)->milters.one + (s)->milters.count; m++)

void milters_init(struct session *s);
/* The client has greeted (again). */
void milters_greeted(struct session *s);
/* Each asks all of them: 0 go on, 1 one has refused and the client has its reply. */
int milters_mail(struct session *s);
int milters_rcpt(struct session *s, struct recipient const *r);
int milters_data(struct session *s);
int milters_unknown(struct session *s, char const *line);
/* A recipient that this server has refused, for those that want to know. */
void milters_rcpt_refused(struct session *s, struct smtp_rcpt const *r);
/* The message with head in front: changes both, and the envelope. 0 go on, 1 the client has its
 * reply: refused, or taken away. All of it ends within MILTERS_SECONDS. */
int milters_message(struct session *s, stralloc *head);
/* The transaction is over. */
void milters_abort(struct session *s);
void milters_end(struct session *s);
/* The connection is another client's now: they will learn of it anew. */
void milters_peer_changed(struct session *s);

/* ---- between milters.c and milter-message.c ---- */

struct milter_event {
	char letter;
	int macros; /* enum milter_stage, -1 none */
	uint32_t no, nr;
};

/* Sends an event (packet; null: its letter alone) unless the filter does not want it, and waits for
 * the answer unless it gives none. 0 (MILTER_CONTINUE where there is none), or -1 and errno. */
int milters_ask(struct milter *m, struct milter_event const *e, stralloc const *packet,
    tain const *limit, struct milter_answer *a);
/* What an answer means: 0 go on, 1 the client has its reply. */
int milters_settle(struct session *s, struct milter *m, struct milter_event const *e,
    struct milter_answer const *a);
/* The filter has failed (errno): the same, by its entry. */
int milters_failed(struct session *s, struct milter *m, char const *during);
/* The spool is to hold the message, and to say why. */
void milters_hold(struct session *s, struct milter const *m, char const *why);
/* Whether it is to see this message. */
int milters_active(struct session const *s, struct milter const *m);

#endif

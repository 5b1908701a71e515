/* Replies of 5xx to a stranger that has had some already come slowly: smtp-tarpit-seconds for each,
 * smtp-tarpit-total-seconds in a connection. */
#ifndef SMTP_RECV_TARPIT_H
#define SMTP_RECV_TARPIT_H

struct session;

/* Behind a reply: waits, if it was one of those, before it is sent. Ends early when the client
 * closes, the program is told to end, or the session's time is over. */
void tarpit(struct session *s);

#endif

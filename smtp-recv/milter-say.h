/* The packets of a session's events whose arguments are more than a word. */
#ifndef SMTP_RECV_MILTER_SAY_H
#define SMTP_RECV_MILTER_SAY_H

#include <skalibs/stralloc.h>

struct session;
struct smtp_rcpt;

/* Each makes the whole packet in out. */
void milter_say_connect(struct session const *s, stralloc *out);
void milter_say_mail(struct session const *s, stralloc *out);
void milter_say_rcpt(struct smtp_rcpt const *r, stralloc *out);

#endif

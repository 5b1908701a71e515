/* Mail for another time, on submission: FUTURERELEASE (RFC 4865) and DELIVERBY (RFC 2852). */
#ifndef SMTP_RECV_LATER_H
#define SMTP_RECV_LATER_H

#include <skalibs/stralloc.h>

#include "lib/smtp-envelope.h"
#include "smtp-recv/replies.h"

struct session;

/* Appends their lines of EHLO's reply, where they are offered. */
void later_announce(struct session *s, stralloc *sa);
/* Whether what MAIL asks for can be had: REPLY_OK if so. */
enum reply later_check(struct session const *s);
/* MAIL as a server hears it that delivers at once: what waits, and for how long, is the spool's. */
struct smtp_mail later_not(struct smtp_mail const *mail);

#endif

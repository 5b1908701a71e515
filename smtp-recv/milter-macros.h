/* What filters are told beside the protocol's own arguments: Sendmail's macros, by the stage at
 * which each is usually sent. Values last until they are set anew. */
#ifndef SMTP_RECV_MILTER_MACROS_H
#define SMTP_RECV_MILTER_MACROS_H

#include <skalibs/stralloc.h>

#include "smtp-recv/milter-packet.h"

struct session;
struct smtp_rcpt;

/* Set the values of a stage. refusal: the reply to a recipient that was refused (code and text),
 * else null; local: mda-local or another LMTP server gets it. */
void macros_connect(struct session const *s);
void macros_helo(struct session const *s);
void macros_mail(struct session const *s);
void macros_rcpt(struct smtp_rcpt const *r, int local, char const *refusal);
void macros_message(char const *id); /* null: it has no Message-ID */

/* Makes the packet that goes before a command: the macros of its stage that have a value; wanted is
 * the filter's own list, null the usual ones. 1, or 0: there are none. */
int macros_packet(stralloc *out, char command, enum milter_stage stage, char const *wanted);

#endif

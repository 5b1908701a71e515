/* A message that tells a user how full the Maildir is, when a change has reached one of the
 * percents of the setting quota-warnings. */
#ifndef POSTERN_MAILDIR_QUOTA_WARN_H
#define POSTERN_MAILDIR_QUOTA_WARN_H

#include "maildir/quota.h"

/* Behind a quota_add that has set q->reached: delivers the message into INBOX. It is counted and
 * not refused; what it reaches itself has a message of its own, so that there are at most as many
 * as percents. user: the account's name; null: not known. A failure is in the log. */
void quota_warn(struct quota *q, char const *user);

#endif

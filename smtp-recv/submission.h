/* Submission (RFC 6409): which addresses a login may send as. */
#ifndef SMTP_RECV_SUBMISSION_H
#define SMTP_RECV_SUBMISSION_H

#include "lib/arena.h"
#include "lib/smtp-envelope.h"

/* 1 if login may send as from (doc/joints.md, "Tables"), 0 if not, -1 if a table cannot be read.
 * separators: each of them divides a user from a subaddress. */
int submission_may_send(struct arena *a, char const *login, char const *me, char const *separators,
    struct smtp_path const *from);

#endif

/* Delivery into an mbox file, as a line of users' rules names it: appended under every lock that
 * other programs take, durable before it counts, taken back as a whole when it fails. */
#ifndef POSTERN_MDA_LOCAL_MBOX_H
#define POSTERN_MDA_LOCAL_MBOX_H

#include <skalibs/stralloc.h>
#include <stdint.h>

#include "mda-local/worker.h"

/* The "From sender date" line in front of a message, with its LF, appended: MAILER-DAEMON for the
 * null sender, blanks in it as "-". */
void mbox_from(stralloc *out, char const *sender);
/* Appends the message on fd (size octets), with the lines of mbox_from and worker_front before it,
 * lines like "From " quoted by ">" (mboxrd), an empty line behind it. Path relative to the working
 * directory; the file is made, mode 0600. Waits for locks (PATH.lock, flock, fcntl) until `until`
 * (channel_now) or MDA_MBOX_SECONDS. 0, or -1 with errno: EWOULDBLOCK locked by another for too
 * long, EINVAL it is no regular file. */
int mbox_deliver(char const *path, struct order const *o, int fd, uint64_t size, int64_t until);

#endif

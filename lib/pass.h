/* One descriptor beside octets, over a Unix socket (SCM_RIGHTS). */
#ifndef POSTERN_PASS_H
#define POSTERN_PASS_H

#include <sys/types.h>

/* As send(2), begun anew where a signal came; fd_pass goes along, unless it is -1. No SIGPIPE. */
ssize_t pass_send(int fd, void const *s, size_t n, int fd_pass);
/* As recv(2), begun anew where a signal came. *fd_r: the descriptor that came along, close-on-exec
 * and the caller's, or -1; of several the kernel closes all but the first. *flags (null: nobody
 * asks): MSG_TRUNC, MSG_CTRUNC where something did not fit. */
ssize_t pass_receive(int fd, void *s, size_t n, int *fd_r, int *flags);

#endif

/* Between the processes: fixed-form messages over a Unix SOCK_SEQPACKET pair, each of them at most
 * one descriptor. Who receives checks length and form. */
#ifndef POSTERN_MDA_LOCAL_CHANNEL_H
#define POSTERN_MDA_LOCAL_CHANNEL_H

#include <stddef.h>
#include <stdint.h>

/* A pair, close-on-exec. 0 or -1. */
int channel_pair(int fd[static 2]);
/* Sends one message, with a descriptor unless it is -1. 0 or -1. */
int channel_send(int fd, void const *s, size_t len, int fd_pass);
/* Receives one message of exactly len bytes. *fd_r (may be null: none is expected) gets its
 * descriptor, close-on-exec, or -1. Waits until `until` (channel_now). 1, 0 the other end is gone,
 * -1 with errno: ETIMEDOUT, EPROTO wrong length. */
int channel_recv(int fd, void *s, size_t len, int *fd_r, int64_t until);
/* The same of 1 to max forms of len bytes each: how many, 0 or -1. */
int channel_recv_some(int fd, void *s, size_t len, size_t max, int *fd_r, int64_t until);
/* Milliseconds of the monotonic clock. */
int64_t channel_now(void);
#define CHANNEL_FOREVER INT64_MAX
/* until as a timeout of poll(2). */
int channel_timeout(int64_t until);

/* Is s, which has room octets in a form, a C string without control characters? What comes over a
 * channel goes into files and commands. */
int channel_text(char const *s, size_t room);

#endif

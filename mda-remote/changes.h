/* Whether a file in etc/ was changed: by inotify or, where the kernel gives this user no instance
 * (128 by default), by a look at etc/ once a second. */
#ifndef POSTERN_MDA_REMOTE_CHANGES_H
#define POSTERN_MDA_REMOTE_CHANGES_H

void changes_start(void);
/* To be polled for reading; -1: there is none now. */
int changes_fd(void);
/* 1 if something was changed since it was last asked. readable: what poll said of the descriptor.
 */
int changes_any(int readable);

#endif

/* Whether a file in etc/ was changed: by inotify and, for what that does not tell (a link that
 * leads elsewhere, or whose file was written to), by a look at etc/ now and then; once a second
 * where the kernel gives this user no instance (128 by default). */
#ifndef POSTERN_MDA_REMOTE_CHANGES_H
#define POSTERN_MDA_REMOTE_CHANGES_H

#include <stdint.h>

#define CHANGES_MS 5000 /* between two looks at files that nothing tells of */

void changes_start(void);
/* To be polled for reading; -1: there is none now. */
int changes_fd(void);
/* 1 if something was changed since it was last asked. readable: what poll said of the descriptor.
 */
int changes_any(int readable);
/* What etc/ is now has not been read: it is a change. */
void changes_again(void);

#endif

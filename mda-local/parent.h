/* The half that keeps its rights: answers the parser child's requests (ask.h). */
#ifndef POSTERN_MDA_LOCAL_PARENT_H
#define POSTERN_MDA_LOCAL_PARENT_H

#include "mda-local/deliver.h"

/* Descriptors 0 and 1, the connection or the socket on which such come, are the child's or the
 * listener's alone: here and in the workers they become /dev/null. Exit 111 if that cannot be. */
void parent_leave_connection(void);
/* Serves fd until the child closes it. 0; -1 the child did what the parser never does. */
int parent_serve(struct deliver *d, int fd);

#endif

/* What is shared by the two halves of a digest (walk.h has what others call): its file, which
 * digest.c writes and digest-send.c turns into a message. */
#ifndef POSTERN_MDA_REMOTE_DIGEST_H
#define POSTERN_MDA_REMOTE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "lib/id.h"
#include "mda-remote/limits.h"

#define DIGEST_PATH_MAX (ID_MAX + 16) /* "digest/ID" with its NUL */

/* An address that has had notifications in this period. */
struct address {
	struct address *next;
	int64_t until; /* ms: end of the period */
	unsigned int sent;
	char file[ID_MAX + 1]; /* digest/ID, "" none */
	uint64_t count, length;
	size_t n_at, text_at; /* where in the file */
	char last[SPOOL_NAME_MAX + 1];
	char *to;
};

void digest_path(char path[static DIGEST_PATH_MAX], char const *file);
/* Syncs the directory. 0 or -1. */
int digest_sync(void);
/* Puts the digest of a into the spool and removes its file: 0; -1 and errno if there is no room,
 * and then the file is as before. */
int digest_send(struct address *a);

#endif

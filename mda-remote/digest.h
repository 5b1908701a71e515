/* What the parts of a digest share (walk.h has what others call): digest.c counts, digest-file.c is
 * the form of its file, digest-send.c turns that into a message. */
#ifndef POSTERN_MDA_REMOTE_DIGEST_H
#define POSTERN_MDA_REMOTE_DIGEST_H

#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>

#include "lib/id.h"
#include "mda-remote/limits.h"

#define DIGEST_PATH_MAX (ID_MAX + 16) /* "digest/ID" with its NUL */

/* An address that has had notifications in this period. */
struct address {
	struct address *next;
	int64_t until; /* ms: end of the period */
	unsigned int sent;
	int requiretls; /* of messages that demand it (RFC 8689 5): they are counted apart */
	char file[ID_MAX + 1]; /* digest/ID, "" none */
	uint64_t count, length;
	size_t n_at, text_at; /* where in the file */
	char last[SPOOL_NAME_MAX + 1];
	char *to;
};

/* ---- digest-file.c ---- */

/* Appends to `out`, which is empty, all that stands before the text; sets a->n_at and a->text_at. */
void digest_format(stralloc *out, struct address *a);
/* Only its line "n", which is as long as ever. */
void digest_format_n(stralloc *out, struct address const *a);
/* The beginning of a file, which is changed: sets all of a that stands in it, and *to within s. 0, or
 * -1 if it is none. */
int digest_parse(char *s, struct address *a, char **to);

/* ---- digest-send.c ---- */

void digest_path(char path[static DIGEST_PATH_MAX], char const *file);
/* Syncs the directory. 0 or -1. */
int digest_sync(void);
/* Puts the digest of a into the spool and removes its file: 0; -1 and errno if there is no room,
 * and then the file is as before. */
int digest_send(struct address *a);

#endif

/* Which .qmail file a recipient's extension leads to, and whether it may be believed:
 * qmail-local(8), dot-qmail(5). The working directory is the account's home. */
#ifndef POSTERN_MDA_LOCAL_QMAIL_FILE_H
#define POSTERN_MDA_LOCAL_QMAIL_FILE_H

#include <stddef.h>
#include <skalibs/stralloc.h>

#include "mda-local/replies.h"

struct qmail_file {
	int forward_only; /* its x bit is set */
	/* What stands in the place of -default in its name: the extension's end; null: the file has
	 * the extension's own name. */
	char const *rest;
	stralloc name, text;
};
/* clang-format off */
#define QMAIL_FILE_ZERO {0, 0, STRALLOC_ZERO, STRALLOC_ZERO}
/* clang-format on */

/* Finds the file for ext (as it was written; "" none) and reads it. REPLY_NONE; REPLY_NO_USER there
 * is none (without an extension too); another: it must not or cannot be used now, errno and *why
 * (may be null) say more. */
enum reply qmail_file_find(struct qmail_file *f, char const *ext, char const **why);
/* Whether there is a file of ext's own with this behind its name ("-owner"). 1, 0, -1 errno. */
int qmail_file_exists(char const *ext, char const *behind);
/* Whether the directory has any such file. 1, 0 (also when it cannot be read), -1. */
int qmail_file_any(char const *home);
void qmail_file_free(struct qmail_file *f);

#endif

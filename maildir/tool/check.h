/* What "maildir check" finds, and what it does about it. */
#ifndef POSTERN_MAILDIR_TOOL_CHECK_H
#define POSTERN_MAILDIR_TOOL_CHECK_H

#include <stdint.h>

#include "maildir/tool/names.h"
#include "maildir/tool/tool.h"
#include "maildir/uidlist.h"

/* What came of a finding. */
enum outcome {
	FOUND_REPAIRED,
	FOUND_LEFT,  /* with -n, or because it could not be repaired: exit 1 */
	FOUND_NOTED, /* harmless, or nothing that a program can decide */
};

struct check {
	struct tool *t;
	int dry; /* -n */
	int verdict;
	/* The folder at hand. Its name is what a client calls it, or where no client can, its
	 * directory's (then `nameless`: the store's functions cannot open it). */
	char const *name;
	int nameless;
	char *dir;
	int fd_dir;
};

/* Reports n findings of a kind; `detail` (a name, a reason) may be null. n 0: nothing. With -n what
 * would be repaired is left. */
void check_found(struct check *c, char const *what, uint64_t n, enum outcome o, char const *detail);
/* The same of something whose repair was tried: r 0 or -1 (errno). */
void check_repaired(struct check *c, char const *what, uint64_t n, int r, char const *detail);

/* ---- check-layout.c: directories, modes, what was left behind ---- */
void check_layout(struct check *c);
/* Side files that cannot be read, of the folder or of the root. */
void check_readable(struct check *c, char const *const *files);

/* ---- check-messages.c: files in cur/ and new/ ---- */
void check_messages(struct check *c);
/* The base names of all files, as they are now. 1; 0: something moved meanwhile, so that one may be
 * missing; -1 errno. */
int check_bases(struct check *c, struct names *bases);

/* ---- check-uids.c: dovecot-uidlist ---- */
void check_uids(struct check *c);

/* ---- check-index.c: what is disposable ---- */
void check_index(struct check *c);

/* ---- check-root.c: what stands at the root only ---- */
void check_root(struct check *c);

#endif

/* Messages into a folder, with the UIDs they get there: APPEND, COPY and MOVE. The destination is
 * locked from transfer_begin to transfer_end, so that nobody else numbers what arrives; order:
 * files, lines of dovecot-uidlist, sync, directory sync, and only then are the UIDs told (and, of a
 * copy across file systems that is a move, the sources removed). All messages of one transfer
 * arrive or none. */
#ifndef POSTERN_MAILDIR_TRANSFER_H
#define POSTERN_MAILDIR_TRANSFER_H

#include <stdint.h>
#include <time.h>

#include "maildir/deliver.h"
#include "maildir/folder.h"

struct transfer;
struct quota;

/* Prepares a transfer into the folder `name`. quota may be null: otherwise what does not fit is
 * EDQUOT, and what arrived is counted. 0, or -1: ENOENT (TRYCREATE), ETIMEDOUT, EACCES, … */
int transfer_begin(
    struct transfer **x_r, struct maildir_tree const *t, char const *name, struct quota *quota);
/* The same with what transfer_rest has kept in *x_r, or null; it is used up. */
int transfer_resume(
    struct transfer **x_r, struct maildir_tree const *t, char const *name, struct quota *quota);
/* Adds a finished delivery (begun with delivery_begin in the folder's directory) with flags and
 * keyword names (null-terminated, may be null). The delivery is used up when transfer_commit
 * succeeds. */
int transfer_append(struct transfer *x, struct delivery *d, unsigned int flags,
    char const *const *keywords, struct timespec const *internaldate);
/* A message of so many octets on disk goes once this transfer is done (RFC 8508 3.4): what comes in
 * its place is not over quota for it. */
void transfer_credit(struct transfer *x, uint64_t disk);
/* Adds a copy of a message: link(2) to a new base name; flags, keywords, date and EMAILID go along.
 */
int transfer_copy(struct transfer *x, struct folder *from, uint32_t i);
/* The same by rename(2); it is then gone from `from`, to be told by folder_report. */
int transfer_move(struct transfer *x, struct folder *from, uint32_t i);
/* Makes all of them last. uid[] gets the UIDs in the order in which they were added (as many as
 * were added); *uidvalidity the folder's. 0; -1: nothing arrived and every source is where it was.
 */
int transfer_commit(struct transfer *x, uint32_t *uidvalidity, uint32_t *uid);
/* Undoes what was not committed, unlocks, frees. Null is ignored. errno is kept. */
void transfer_end(struct transfer *x);
/* The same, but returns what the next transfer into the same folder can use: its directories and
 * what was read of its lines. Null: nothing. It is for transfer_resume or transfer_end. */
struct transfer *transfer_rest(struct transfer *x);

/* The directory where deliveries for this transfer's folder begin: what tree_dir gives. APPEND may
 * begin its delivery before transfer_begin, so that no lock is held while the network is read. */

#endif

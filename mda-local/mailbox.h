/* The account's Maildir, as a worker uses it: where a copy goes, whether there is room, the copy.
 */
#ifndef POSTERN_MDA_LOCAL_MAILBOX_H
#define POSTERN_MDA_LOCAL_MAILBOX_H

#include <stddef.h>
#include <stdint.h>

#include "mda-local/worker.h"

/* Where one of a message's copies goes. */
struct mailbox_copy {
	char const *folder;	     /* as tree.h has names; "" INBOX */
	unsigned int flags;	     /* enum message_flag */
	char const *const *keywords; /* names, null-terminated; or null */
	int create;		     /* make the folder if it is not there */
};

/* Whether the folder that the order wishes has room for the message: sets rep->reply
 * (REPLY_RCPT_OK), error and folder. */
void mailbox_check(struct worker *w, struct order const *o, struct report *rep);
/* One copy where the order wishes: sets rep->reply (REPLY_DELIVERED), error, disk and folder; if it
 * was placed, placed and file. */
void mailbox_deliver(struct worker *w, struct order const *o, int fd, struct report *rep);
/* Syncs a copy that was placed; where that fails it is taken back. Sets rep->reply and error. */
void mailbox_settle(struct worker *w, struct order const *o, struct report *rep);
/* The octets of fd (size of them, LF line ends) with the two lines of worker_front before them into
 * n folders, all of them or none, as links of one file; a folder named twice gets one copy. A
 * folder that is not there, and is not to be made, is INBOX. Sets rep as above. */
void mailbox_copies(struct worker *w, struct order const *o, int fd, uint64_t size,
    struct mailbox_copy const *copy, size_t n, struct report *rep);

/* When the report is out: tells the user how full the mailbox is, if that is due
 * (maildir/quota-warn.h). */
void mailbox_warn(struct worker const *w);

/* The same into a Maildir by its path, relative to the working directory: one of the account's own
 * folders counts for its quota, any other is made if only its last directory is missing. */
void mailbox_path(struct worker *w, struct order const *o, int fd, uint64_t size, char const *path,
    struct report *rep);
/* As mailbox_check, if it is one of the account's own; REPLY_RCPT_OK if not. */
void mailbox_path_check(
    struct worker *w, struct order const *o, char const *path, struct report *rep);

/* Texts for the index (maildir/text-deliver.h) are made when the report is out, since nobody shall
 * wait for them: of what was delivered last. */
void mailbox_texts(void);
/* When those that wait for the next message's are to be written (channel_now); CHANNEL_FOREVER:
 * none does. */
int64_t mailbox_texts_until(void);
void mailbox_texts_flush(void);

#endif

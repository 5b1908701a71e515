/* One folder, open in a session: its messages in ascending order of UID, and what changed since the
 * session was last told. Callers know messages by index (0-based; sequence number - 1) and by UID,
 * never by file name. Indexes stay as they are until folder_report: messages that went meanwhile
 * keep their place, new ones come behind the end. */
#ifndef POSTERN_MAILDIR_FOLDER_H
#define POSTERN_MAILDIR_FOLDER_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <skalibs/stralloc.h>

#include "lib/message-text.h"
#include "maildir/keywords.h"
#include "maildir/name.h"
#include "maildir/tree.h"

struct folder;
struct quota;

enum folder_option {
	FOLDER_READONLY =
	    1, /* nothing is changed but for UIDs that must be given: EXAMINE, STATUS */
	FOLDER_TAKE_NEW = 2, /* what lies in new/ is \Recent in this session, and goes to cur/, much
			      * of it not before folder_settle: SELECT */
	FOLDER_MODSEQS = 4   /* the client hears of modseqs: folder_modseqs, from the beginning */
};

/* Opens a folder: reads it, gives UIDs where they are missing (synced before this returns). All
 * messages are there at once, nothing is pending. quota may be null; otherwise expunges are counted
 * in it. 0, or -1: ENOENT no such folder, EINVAL, ETIMEDOUT (lock), EFBIG (MAILDIR_MESSAGES),
 * EACCES, ENOSPC … */
/* With a tree that another shares (tree->denied) EACCES where the right to read is not there; what
 * else is not granted stays undone: flags are left as they are, an expunge is EACCES. */
int folder_open(struct folder **f_r, struct maildir_tree const *t, char const *name,
    unsigned int options, struct quota *quota);
void folder_close(struct folder *f);

/* What a client is told about the whole folder. */
uint32_t folder_uidvalidity(struct folder const *f);
uint32_t folder_uidnext(struct folder const *f);
/* MAILBOXID (RFC 8474): header key G, 32 hex digits, made when missing; "" if it cannot be. */
char const *folder_mailboxid(struct folder *f);
/* The folder's directory, for maildir/watch.h and maildir/transfer.h. */
char const *folder_dir(struct folder const *f);

/* tree->denied, as it was when the folder was opened (maildir/acl.h). */
unsigned int folder_denied(struct folder const *f);

/* Messages, announced ones only: 0 <= i < folder_count. What came since the last report is not
 * counted. */
uint32_t folder_count(struct folder const *f);
uint32_t folder_uid(struct folder const *f, uint32_t i);
/* The index of the first message whose UID is >= uid; folder_count if there is none. */
uint32_t folder_find(struct folder const *f, uint32_t uid);
/* enum message_flag, with FLAG_RECENT. */
unsigned int folder_flags(struct folder const *f, uint32_t i);
struct keyword_set folder_keyword_set(struct folder const *f, uint32_t i);
/* 1 if the message is gone and the client has not been told yet. */
int folder_gone(struct folder const *f, uint32_t i);
/* 0: none is; else some may be. */
int folder_any_gone(struct folder const *f);
/* How many announced messages are \Recent in this session; the first without \Seen (folder_count:
 * none). Both without looking at each message. */
uint32_t folder_recent(struct folder const *f);
uint32_t folder_first_unseen(struct folder *f);

/* RFC 7162 (folder-modseq.c). A modseq is max(last + 1, microseconds since 1970). It is the
 * message's for good once it is written into the index: then every other session's next one is
 * above it. */
uint64_t folder_modseq(struct folder const *f, uint32_t i);
/* Every change up to here was told, so a client that remembers it misses nothing: at least 1. What
 * is pending, or could not be written into the index, is above it. */
uint64_t folder_highest_modseq(struct folder const *f);
/* The flags and keywords of message i that the client has heard of: as they were before others
 * changed what is to be told. 1; 0: what it has heard came behind `since`, or is not kept
 * (MAILDIR_HEARD). */
int folder_heard(struct folder *f, uint32_t i, uint64_t since, unsigned int *flags,
    struct keyword_set *keywords);
/* The largest that any message has, whether it is told yet or not. */
uint64_t folder_newest_modseq(struct folder const *f);
/* The client hears of modseqs from now on: folder_commit waits for the index. */
void folder_modseqs(struct folder *f);
/* Gives all that changed its modseq for good. 0, or -1 if that cannot be now (folder_highest_modseq
 * then stays below). Cheap when nothing changed. */
int folder_last_modseqs(struct folder *f);
/* A folder's HIGHESTMODSEQ rises, as something of the folder itself was changed. 0 or -1 as
 * folder_open. */
int folder_raise_modseq(struct maildir_tree const *t, char const *name);
/* Calls back with ranges of UIDs out of [lo, hi], ascending, of which there is no message and
 * either it went after `since` or nobody remembers when: VANISHED (EARLIER). Messages that are
 * gone, but not told yet, are not among them. */
void folder_vanished(struct folder *f, uint64_t since, uint32_t lo, uint32_t hi,
    void (*each)(void *arg, uint32_t lo, uint32_t hi), void *arg);
/* Between these no other session changes a folder that it has looked at under the lock: for a
 * change that depends on what is there. Takes the lock and looks. 0 or -1 as folder_refresh, or
 * ETIMEDOUT.
 */
int folder_hold(struct folder *f);
void folder_release(struct folder *f);

/* The rest may read the disk; 0 or -1 with errno, ENOENT if the message is gone. */
/* INTERNALDATE: the file's mtime. */
int folder_internaldate(struct folder *f, uint32_t i, struct timespec *t);
/* RFC822.SIZE: octets as the wire has them. W= where it is plausible, else counted; remembered. */
int folder_size(struct folder *f, uint32_t i, uint64_t *wire);
/* Octets on disk. */
int folder_disk_size(struct folder *f, uint32_t i, uint64_t *disk);
/* Opens the message's file for reading, wherever other programs have renamed it to. The caller
 * closes it. See maildir/message.h for reading it as wire text. The descriptor, or -1. */
int folder_open_message(struct folder *f, uint32_t i);
/* The same for who reads all of it at once: nothing is asked about the file, which may be no regular
 * one. *disk is its size as the folder knows it, NAME_UNKNOWN if it does not; if so, or if another
 * number of octets is read, folder_stat_opened asks. */
int folder_open_known(struct folder *f, uint32_t i, uint64_t *disk);
/* Where the message's file was when it was last seen, and its size, for who reads it elsewhere: a
 * directory that is open as long as the folder, and a name, good until the next call for this
 * folder. 0; -1: it is gone, or the size is not known. Nothing is asked of the disk. */
int folder_place(struct folder *f, uint32_t i, int *fd_dir, char const **name, uint64_t *disk);
/* Of the message's file, opened: its size. 0 or -1: EINVAL, it is no regular file. */
int folder_stat_opened(struct folder *f, uint32_t i, int fd, uint64_t *disk);
/* message_size found another size than folder_size had: remembers it. */
void folder_set_size(struct folder *f, uint32_t i, uint64_t wire);
/* EMAILID (RFC 8474): record key G, else the base name. Appended. */
int folder_emailid(struct folder *f, uint32_t i, stralloc *id);
/* POP3's unique id: record key P, else %08x%08x of UID and UIDVALIDITY. Appended. */
int folder_uidl(struct folder *f, uint32_t i, stralloc *uidl);
/* SAVEDATE (RFC 8514): when the message came into this folder, UTC seconds: record key D, else the
 * time its base name begins with. 1; 0: not known. */
int folder_savedate(struct folder *f, uint32_t i, int64_t *t);

/* Cached text of a message (maildir/text.h); valid until the next call for this folder. 1; 0: none
 * (the caller makes it, and may keep it); -1. */
int folder_text(struct folder *f, uint32_t i, struct message_texts *texts);
/* Before and after the texts of most messages are asked for: they are mapped meanwhile, if they can
 * be. 1: they are from now on, and the caller will unmap them; 0: not, or they were already. */
int folder_map_texts(struct folder *f);
/* All those that will be asked for meanwhile have been asked for: they are not checked again. */
void folder_texts_sound(struct folder *f);
void folder_unmap_texts(struct folder *f);
/* Remembers texts made from the message's content; they are written, many at once, when that is
 * worth it, by folder_settle or folder_close. A kind that is there already is kept. Never fails. */
void folder_keep_text(struct folder *f, uint32_t i, struct message_texts const *texts);

/* Keywords of the folder: numbers to names and back. */
struct keywords const *folder_keywords(struct folder const *f);
/* The number of a keyword; make: a new one is made (it lasts after folder_commit). -1: not there,
 * or EOVERFLOW, EINVAL, EROFS as keywords_make. */
int folder_keyword(struct folder *f, char const *name, size_t len, int make);

/* Changes. Each acts at once on the disk and in this session's view; folder_commit makes a
 * command's changes durable and wakes other sessions. A message that another program renames at the
 * same moment is found again, and the change is made to its flags as they then are. */
enum flag_change { FLAGS_ADD, FLAGS_REMOVE, FLAGS_REPLACE };
/* 0; 1 if nothing had to be changed; -1: ENOENT the message is gone, EROFS, ENOSPC … */
int folder_change_flags(struct folder *f, uint32_t i, enum flag_change how, unsigned int flags,
    struct keyword_set const *keywords);
/* The same if the message's modseq is not above `since`; 2: it is, and nothing was done. Between
 * folder_hold and folder_release nothing can come in between. */
int folder_change_unchanged(struct folder *f, uint32_t i, uint64_t since, enum flag_change how,
    unsigned int flags, struct keyword_set const *keywords);
/* Its flags are to be told by the next folder_report, as if others had changed them. */
void folder_tell_flags(struct folder *f, uint32_t i);
/* Removes the message's file. It is gone for this session, to be told by folder_report. 0 or -1;
 * gone already is 0. */
int folder_expunge(struct folder *f, uint32_t i);
/* 0 or -1: then an OK must not be sent. Cheap when nothing was changed. */
int folder_commit(struct folder *f);
/* What may wait until the client has its answer: the index is brought up to date. Called when there
 * is nothing else to do. Milliseconds after which it is to be called again; -1: no need. Never
 * fails. */
int folder_settle(struct folder *f);

/* Called when nothing is to do for a while: memory that can be had again goes back to the system. */
void folder_rest(struct folder *f);

/* Looks for what others changed. Cheap if the directories' stamps say that nothing did. Bits of
 * enum folder_event that are now pending (0: nothing), or -1: ESTALE the folder was deleted or has
 * another UIDVALIDITY (the session cannot go on with it), or another errno (try again later). */
enum folder_event { FOLDER_EXPUNGED = 1, FOLDER_NEW = 2, FOLDER_FLAGS = 4 };
int folder_refresh(struct folder *f);

/* Tells what is pending, of the kinds in `what`, by calling back: expunged (highest index first;
 * the index is valid as of this moment, as EXPUNGE wants it), then exists (the new count, once),
 * then flags (of announced messages that others changed; not of what this session changed itself).
 * Null callbacks: the events are dropped. Before an absence is told it is recorded, so that the UID
 * never comes back. When FOLDER_EXPUNGED is not in `what`, messages that are gone stay listed (RFC
 * 3501 7.4.1). 0, or -1 (errno) if absences could not be recorded: they stay pending, the rest was
 * told. */
struct folder_events {
	void (*expunged)(void *arg, uint32_t i, uint32_t uid);
	void (*exists)(void *arg, uint32_t count);
	void (*flags)(void *arg, uint32_t i);
};
int folder_report(struct folder *f, unsigned int what, struct folder_events const *e, void *arg);

/* STATUS without a session: counts of a folder as it is now. What the bits name costs more. 0 or -1
 * as folder_open. */
enum {
	FOLDER_STATUS_SIZE = 1,
	FOLDER_STATUS_DELETED_SIZE = 2,
	FOLDER_STATUS_ID = 4,
	FOLDER_STATUS_MODSEQ = 8
};
struct folder_status {
	uint32_t messages, recent, unseen, deleted, uidnext, uidvalidity;
	uint64_t modseq;       /* folder_highest_modseq */
	uint64_t size;	       /* octets on the wire of all */
	uint64_t deleted_size; /* octets on disk of those that are \Deleted */
	char mailboxid[33];
};
int folder_status(
    struct folder_status *s, struct maildir_tree const *t, char const *name, unsigned int with);

#endif

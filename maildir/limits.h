/* Every limit of the message store, by name. What happens at each stands beside it. */
#ifndef POSTERN_MAILDIR_LIMITS_H
#define POSTERN_MAILDIR_LIMITS_H

/* A file name of a message (NAME_MAX); longer ones cannot exist on disk. */
#define MAILDIR_NAME_MAX 255
/* A base name that we make, with S= and W=; leaves room for ":2," and every flag and keyword
 * letter. */
#define MAILDIR_BASE_MAX 200
/* Keywords that have a letter (a-z) in the file name; those beyond stand in postern-keywords. */
#define MAILDIR_LETTERS 26
/* Keywords of one folder, letters included; one more is EOVERFLOW. */
#define MAILDIR_KEYWORDS 128
/* Octets of one keyword's name; a longer one is EINVAL. */
#define MAILDIR_KEYWORD_MAX 100
/* Messages of one folder that a session lists; more is EFBIG. */
#define MAILDIR_MESSAGES 16000000
/* Octets of a folder's whole name in UTF-8 (RFC 9051 asks for no limit, NAME_MAX sets one on disk);
 * longer is ENAMETOOLONG. */
#define MAILDIR_FOLDER_NAME 240
/* Folders of one tree; creating one more is EMLINK. tree->folders_max overrides it. */
#define MAILDIR_FOLDERS 10000
/* Subscriptions of one tree; one more is EMLINK. */
#define MAILDIR_SUBSCRIPTIONS 20000
/* Octets of one value in postern-metadata, and of the whole file; more is EFBIG. */
#define MAILDIR_METADATA_VALUE 65536
#define MAILDIR_METADATA_FILE 4194304
/* Entries of one folder that a client may set by METADATA; one more is EMLINK. */
#define MAILDIR_METADATA_ENTRIES 200
/* Lines of one dovecot-acl; one more is EMLINK. Octets of one identifier; a longer one is EINVAL.
 */
#define MAILDIR_ACL 256
#define MAILDIR_ACL_ID 256
/* Octets of postern-shared: all identifiers that a Maildir is shared with; more is EFBIG. */
#define MAILDIR_SHARED_FILE 65536
/* Seconds that a writer waits for a folder's lock before ETIMEDOUT. */
#define MAILDIR_LOCK_WAIT 60
/* The same for a session whose client hears of modseqs, before it goes on with modseqs that do not
 * last: HIGHESTMODSEQ then stays below them. */
#define MAILDIR_MODSEQ_WAIT 5
/* Seconds that a rename of folders and whoever tells of names (NOTIFY) wait for one another; then
 * they go on, and a rename may be told as a name that went and one that came. */
#define MAILDIR_RENAME_WAIT 10
/* A foreign lock whose time stamp has not moved for so many seconds is stale; holders touch theirs
 * at least every MAILDIR_LOCK_TOUCH seconds (Dovecot's figures). */
#define MAILDIR_LOCK_STALE 120
#define MAILDIR_LOCK_TOUCH 10
/* The same for a lock without content: its maker writes it at once, or was killed. */
#define MAILDIR_LOCK_EMPTY 2
/* A file in tmp/ untouched for so many hours is removed (maildir(5)). */
#define MAILDIR_TMP_HOURS 36
/* maildirsize is computed anew when it has grown to so many bytes, or, over quota, is so old. */
#define MAILDIR_QUOTA_FILE 5120
#define MAILDIR_QUOTA_AGE 900
/* Rules of a quota, and octets of one; percents that are warned of: more are a configuration that
 * cannot be used. */
#define MAILDIR_QUOTA_RULES 32
#define MAILDIR_QUOTA_RULE 1000
#define MAILDIR_QUOTA_WARNINGS 8
/* Octets of etc/quota-warning: the program ends with 100. */
#define MAILDIR_QUOTA_TEXT 16384
/* Messages changed by others and not yet told of which a session keeps what its client has heard
 * (40 octets each); of one more the client counts as not knowing its flags: STORE (UNCHANGEDSINCE)
 * fails for it with MODIFIED. */
#define MAILDIR_HEARD 2048
/* Seconds between looks at a folder that inotify cannot watch. */
#define MAILDIR_POLL 5
/* A fifo in postern-wake/ is no idling session's any more after so many seconds: imap-timeout ends
 * each within a day. */
#define MAILDIR_WAKE_AGE 90000
/* Octets of postern-text; an entry that would exceed them is EFBIG: it is not kept until the file
 * has been written anew without what is no longer needed. */
#define MAILDIR_TEXT_FILE ((uint64_t)8 << 30)
/* Octets of a delivered message up to which mda-local makes all its texts; of a longer one, those
 * of the header. */
#define MAILDIR_TEXT_MESSAGE ((uint64_t)16 << 20)
/* Messages of a folder from which on it has postern-keys. */
#define MAILDIR_KEYS_WORTH 128
/* Octets of postern-keys, and those of its filesystem that stay free: beyond that there is no such
 * file, and messages are read. */
#define MAILDIR_KEYS_FILE ((uint64_t)4 << 30)
#define MAILDIR_KEYS_FREE ((uint64_t)64 << 20)

#endif

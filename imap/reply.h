/* What is said to the client: every text, and the writers of untagged data. */
#ifndef POSTERN_IMAP_REPLY_H
#define POSTERN_IMAP_REPLY_H

#include "imap/session.h"

#define REPLY_GREETING "* PREAUTH [CAPABILITY %s] postern ready.\r\n"
#define REPLY_LOGGED_IN "%s OK [CAPABILITY %s] Logged in.\r\n"

/* Some message of the set was removed by another session and not yet told (RFC 5530). */
#define REPLY_MISSED "NO [EXPUNGEISSUED] %s: some of the messages no longer exist.\r\n"
/* RFC 7162 3.1.3 */
#define REPLY_MODIFIED "OK [MODIFIED %s] Some of the messages were changed since."
#define REPLY_MODIFIED_MISSED                                                                      \
	"NO [MODIFIED %s] Some of the messages were changed since, or are gone."
#define REPLY_READONLY "NO [READ-ONLY] The mailbox was opened read-only."
#define REPLY_TRYCREATE "NO [TRYCREATE] No such mailbox."
#define REPLY_TOOBIG "NO [TOOBIG] The message is larger than this server takes."
#define REPLY_COMPRESSED "NO [COMPRESSIONACTIVE] TLS compresses already."
#define REPLY_TOOMANY "NO [LIMIT] Too many messages for one command."
/* RFC 9738 3.1: of what cannot be done in part; REPLY_LIMITED of what was */
#define REPLY_MESSAGELIMIT "NO [MESSAGELIMIT %u] Too many messages for one command."
#define REPLY_LIMITED "[MESSAGELIMIT %u %u] Only for the last %u messages."
#define REPLY_TOOFEW "NO [TOOFEW] Batches have 500 messages at least." /* RFC 10022 3.1.3.2 */
#define REPLY_BATCHES "NO [TOOMANY] Batches of more than 100000 messages together." /* 3.1.5 */
#define REPLY_BATCHES_AGAIN "NO [LIMIT] The batches have hardly changed." /* 3.1.1 */
#define REPLY_EMPTY "NO [CANNOT] A message without octets cannot be stored."
#define REPLY_HEADER8 "NO [CANNOT] 8-bit characters in the header need ENABLE UTF8=ACCEPT first."
#define REPLY_BADURL "NO [BADURL %s] Not the URL of a message or part in a mailbox of yours."
#define REPLY_NOMESSAGE "NO [NONEXISTENT] No such message."
#define REPLY_OVERQUOTA "NO [OVERQUOTA] The mailbox is full."
#define REPLY_NAME "NO [CANNOT] Not a name that a mailbox can have."
#define REPLY_CHARSET "NO [BADCHARSET (US-ASCII UTF-8 ISO-8859-1)] Charset not known."
#define REPLY_KEYWORDS "NO [LIMIT] The mailbox has as many keywords as it can have."
#define REPLY_KEYWORD "NO [CANNOT] Not a keyword that a message can have."
#define REPLY_USE "NO [USEATTR] Special use not supported."
#define REPLY_INBOX_DELETE "NO [CANNOT] INBOX cannot be deleted."
#define REPLY_NOSELECT "NO [NONEXISTENT] Only the mailboxes below it exist."
#define REPLY_QUOTA_ROOT "NO [NONEXISTENT] No such quota root."
#define REPLY_QUOTA_SET "NO [NOPERM] Quotas are set by the administrator."
#define REPLY_METADATA_LONG "NO [METADATA MAXSIZE 65536] The value is too long."
#define REPLY_METADATA_MANY "NO [METADATA TOOMANY] There are as many entries as there can be."
#define REPLY_ACL_OWNER "NO [CANNOT] The owner has all rights, always."
#define REPLY_ACL_GROUP "NO [CANNOT] There are no groups."
#define REPLY_ACL_INBOX "NO [CANNOT] INBOX cannot be shared."
#define REPLY_ACL_RIGHTS "NO [CANNOT] The rights k, x and a are the owner's alone."
#define REPLY_ACL_OFF "NO [NOPERM] Sharing is not enabled for this account."
#define REPLY_ACL_MANY "NO [LIMIT] There are as many identifiers as there can be."
#define REPLY_NOTIFY_EVENT                                                                         \
	"NO [BADEVENT (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange "       \
	"MailboxMetadataChange ServerMetadataChange)] Event not known."
#define REPLY_NOTIFY_MANY "NO [NOTIFICATIONOVERFLOW] Too many mailboxes."
#define REPLY_NOTIFY_OVERFLOW "* OK [NOTIFICATIONOVERFLOW] Too many mailboxes: NOTIFY is off.\r\n"
#define REPLY_EXISTS "NO [ALREADYEXISTS] The mailbox exists already."
#define REPLY_NOTSAVED "NO [NOTSAVED] The result is too large to be kept."
#define REPLY_NOUPDATE "No updates: too many contexts, or not all was searched."
#define REPLY_NOUPDATE_SORT "No updates of what is sorted."
#define REPLY_SORT_LIMIT "NO [LIMIT] More messages than this server sorts or threads at once."
#define REPLY_CLOSED "* OK [CLOSED] The mailbox selected before is closed.\r\n"
#define REPLY_ALIVE "* OK Still here\r\n"
#define REPLY_NOTHING "OK No messages found."

#define REPLY_BYE_LITERAL "The command's rest cannot be skipped."
#define REPLY_BYE_LATE "The command did not come whole in time."
#define REPLY_BYE_LINE "Command line too long."
#define REPLY_BYE_BAD "Too many invalid commands."
#define REPLY_BYE_SHUTDOWN "Server shutting down."
#define REPLY_BYE_IDLE "Disconnected for inactivity."
#define REPLY_BYE_LOGOUT "Logging out."
#define REPLY_BYE_GONE "The selected mailbox was removed or replaced."
#define REPLY_BYE_MEMORY "Out of memory."
#define REPLY_BYE_FILE "A file of the mailbox was cut short or damaged while it was read."

/* The tagged reply for an errno of the store, as a constant. errno 0 is a plain failure. */
char const *reply_errno(int e);
/* A tagged reply with numbers or names in it, in the command's arena. */
char const *reply_format(struct session *s, char const *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Sends the scratch text s->out and empties it. */
void reply_out(struct session *s);

#endif

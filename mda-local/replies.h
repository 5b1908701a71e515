/* Every reply of the LMTP server. The text is the protocol's; verdicts about recipients also travel
 * between the processes, as numbers. */
#ifndef POSTERN_MDA_LOCAL_REPLIES_H
#define POSTERN_MDA_LOCAL_REPLIES_H

#include <stddef.h>
#include <skalibs/stralloc.h>

enum reply {
	REPLY_NONE, /* undecided; never sent */
	/* session */
	REPLY_BYE,
	REPLY_SENDER_OK,
	REPLY_RSET,
	REPLY_NOOP,
	REPLY_VRFY,
	REPLY_CHUNK,
	REPLY_XFORWARD,
	REPLY_DATA,
	REPLY_TIMEOUT,
	REPLY_ERRORS,
	REPLY_UNKNOWN,
	REPLY_CONTROL,
	REPLY_LINE_LONG,
	REPLY_SYNTAX,
	REPLY_NOT_LMTP,
	REPLY_LHLO_FIRST,
	REPLY_SEQUENCE,
	REPLY_NO_RCPT,
	REPLY_BAD_CHUNK,
	REPLY_NOT_SEALED,
	REPLY_BAD_XFORWARD,
	REPLY_RCPT_MANY,
	REPLY_TOO_BIG,
	/* verdicts about a recipient or one of its targets */
	REPLY_RCPT_OK,
	REPLY_RCPT_MAY_REFUSE, /* the same; its rules may refuse the message when they see it */
	REPLY_DELIVERED,
	REPLY_FORWARDED,
	REPLY_RELAYED, /* the same, to a server without DSN */
	REPLY_SPOOLED,
	REPLY_NO_DOMAIN,
	REPLY_NO_USER,
	REPLY_DISABLED,
	REPLY_BAD_ADDRESS,
	REPLY_ALIAS_LOOP,
	REPLY_ALIAS_DEEP,
	REPLY_ALIAS_REFUSED,
	REPLY_INCLUDE,
	REPLY_MAIL_LOOP,
	REPLY_OVER_QUOTA,
	REPLY_OVER_QUOTA_PERM,
	REPLY_DISK_FULL,
	REPLY_MAILBOX,
	REPLY_CONFIG,
	REPLY_TABLE,
	REPLY_WORKER,
	REPLY_DEADLINE,
	REPLY_FORWARD_TEMP,
	REPLY_FORWARD_PERM,
	REPLY_STORAGE,
	/* rules */
	REPLY_SENT_ON, /* no copy here: what becomes of it, the forwards tell */
	REPLY_RULES_DONE,
	REPLY_RULES_UNREADABLE,
	REPLY_RULES,
	REPLY_RULES_REFUSE,
	REPLY_PROGRAM_TEMP,
	REPLY_PROGRAM_PERM,
	REPLY_COUNT
};

/* Code, enhanced code and text, without CR LF. */
char const *reply_text(enum reply r);
/* The code's first digit: 2, 4 or 5 (3 for DATA); 0 for REPLY_NONE. */
int reply_class(enum reply r);

/* The whole reply, each line with `end`, appended: with what is said in place of its own text (null
 * or "": its own), whose lines end with LF and are folded at MDA_REPLY_LINE octets (RFC
 * 5321 4.2.1). */
void reply_format(stralloc *out, char const *end, enum reply r, char const *said);
/* from, cut to room - 1 octets, in to: printable ASCII and LF, everything else a question mark; no
 * LF at its end. */
void reply_clean(char *to, size_t room, char const *from);
/* The same for a client that has said SMTPUTF8 (RFC 6531 3.5): characters outside ASCII stay. */
void reply_clean_utf8(char *to, size_t room, char const *from);

#endif

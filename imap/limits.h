/* Every limit of the session program; man/imap.8 lists them with their replies. The store's own
 * (folders, keywords, length of names) are in maildir/limits.h, those of a message's structure in
 * lib/mime.h. */
#ifndef POSTERN_IMAP_LIMITS_H
#define POSTERN_IMAP_LIMITS_H

#include "lib/imap-text.h"

/* One command line without its literals, octets: more is a BYE, since nobody can tell where the
 * next command begins. RFC 9051 section 4 asks for 8192. */
#define LIMIT_LINE 65536
/* All literals of one command together (APPEND's message apart), octets: BAD [TOOBIG]. */
#define LIMIT_LITERALS 65536
/* What the arguments of one command take in memory, octets (APPEND's messages are on disk): NO
 * [LIMIT] for APPEND of more messages than that. */
#define LIMIT_COMMAND (4u << 20)
/* A non-synchronizing literal where a setting hides LITERAL+ (RFC 7888 section 5): BAD [TOOBIG]. */
#define LIMIT_LITERAL_MINUS 4096
/* A message of APPEND, octets on the wire, default of the setting imap-append-limit: NO [TOOBIG].
 */
#define LIMIT_APPEND (UINT64_C(100) << 20)
/* All messages of one APPEND together, so many times that setting: NO [LIMIT]. */
#define LIMIT_APPEND_TIMES 4
/* A literal that is refused but already on its way (LITERAL+) is read and dropped up to here: more
 * is a BYE. */
#define LIMIT_SKIP (UINT64_C(1) << 30)
/* Parentheses, NOTs and ORs within one another: BAD. */
#define LIMIT_NESTING 32
/* Search keys, fetch items, flags of one command: BAD. */
#define LIMIT_ARGUMENTS 4096
/* Ranges in one sequence set: BAD. */
#define LIMIT_RANGES 16384
/* Octets for the results of SORT and THREAD (16 for each message), of SEARCH RETURN (SAVE) (8 for each
 * range) and of RETURN (UPDATE), default of the setting imap-search-memory: NO [LIMIT], NO [NOTSAVED],
 * NO [NOUPDATE]. */
#define LIMIT_SEARCH_MEMORY (UINT64_C(64) << 20)
/* Searches that are kept up to date at once (RFC 5267 4.3.1): NO [NOUPDATE]. Each costs a bit for each
 * message. */
#define LIMIT_CONTEXTS 4
/* Sort criteria of one SORT: BAD. */
#define LIMIT_CRITERIA 32
/* A mailbox name, octets as it comes: NO [CANNOT]. A list pattern with its reference: BAD. */
#define LIMIT_NAME 1000
/* Patterns of one LIST (RFC 5258), names of one source of ESEARCH (RFC 7377): BAD. */
#define LIMIT_PATTERNS 100
/* Other users who share with one, and folders of each: what is beyond is not there. */
#define LIMIT_SHARED_OWNERS 256
#define LIMIT_SHARED_FOLDERS 1000
/* Entries of one GETMETADATA or SETMETADATA: BAD. */
#define LIMIT_ENTRIES 100
/* Octets of an entry's name (RFC 5464): BAD. */
#define LIMIT_ENTRY 1000
/* Mailboxes that NOTIFY (RFC 5465) looks into: NO [NOTIFICATIONOVERFLOW], or later untagged. */
#define LIMIT_NOTIFY 1000
/* Groups of events of one NOTIFY: BAD. */
#define LIMIT_GROUPS 100
/* Pairs of an ID command (RFC 2971 3.3: 30 fields): BAD. */
#define LIMIT_ID 30
/* UIDBATCHES (RFC 10022): messages of a batch at least: NO [TOOFEW]; of a range of batches together at
 * most: NO [TOOMANY]. */
#define LIMIT_BATCH 500
#define LIMIT_BATCHES 100000
/* Messages of one STORE (UNCHANGEDSINCE): in a larger set also a change of other flags than the
 * command's makes it [MODIFIED] (RFC 7162 3.1.12). */
#define LIMIT_CONDITIONAL 4096
/* Commands in a row that are BAD: the one after it gets BYE. */
#define LIMIT_BAD 20

/* Messages of one FETCH: of fewer none is read ahead by a thread (lib/read-ahead.h). */
#define AHEAD_LEAST 64

/* Octets of a header in which single fields are looked for (HEADER.FIELDS, SEARCH; ENVELOPE has
 * lib/imap-text.h's): what stands behind is not seen there. */
#define LIMIT_HEADER IMAP_HEADER_MAX

/* Seconds. */
#define AUTOLOGOUT 1800 /* default of imap-timeout: without a command (RFC 3501 5.4), in IDLE */
#define LITERAL_SECONDS                                                                            \
	600 /* default of imap-read-timeout: a literal or begun line comes whole                   \
	     */
/* Octets a second that a message gets in addition, coming or going. */
#define SLOWEST_RATE 8192
#define WRITE_SECONDS 1800 /* for the reply to one command, or one message, to be taken; imap-timeout, if that is less */
#define IDLE_ALIVE 120	   /* between signs of life in IDLE, so that a lost client is noticed */
#define STOPPED_ALIVE 10   /* the same in a long command, once the client sends no more */
#define PROGRESS_SECONDS 10 /* default of imap-progress: between signs of progress (RFC 9585 4) */
#define CONTEXT_SECONDS 60  /* after which OLDER and YOUNGER are looked at again (RFC 5032 section 2) */
#define FINISH_SECONDS 5   /* for the client to close after BYE */

#endif

/* Every limit of mda-local, by name. What happens at each stands beside it. */
#ifndef POSTERN_MDA_LOCAL_LIMITS_H
#define POSTERN_MDA_LOCAL_LIMITS_H

/* Octets of a message on the wire, announced by SIZE: 552 5.3.4. Setting lmtp-size; by default
 * smtp-size or, without that, MDA_SMTP_SIZE, and MDA_SIZE_SLACK for fields added on the way. */
#define MDA_SMTP_SIZE ((uint64_t)64 << 20)
#define MDA_SIZE_SLACK ((uint64_t)1 << 20)
/* Octets of a message held in memory; what is longer goes to an unlinked file. */
#define MDA_MEMORY_MAX (1 << 20)
/* Recipients of one transaction: 452 4.5.3. */
#define MDA_RCPT_MAX 1000
/* Mailboxes and forward addresses of one transaction, after aliases: 452 4.5.3, at the alias 451.
 */
#define MDA_TARGETS_MAX 5000
/* Aliases that lead to one another, domain aliases included: 451 4.3.5. */
#define MDA_ALIAS_DEPTH 16
/* Items of all lists that one recipient leads to: 451 4.3.5. */
#define MDA_ALIAS_STEPS 5000
/* Octets of a file that an alias or .forward includes, and of .forward: 451 4.3.5. */
#define MDA_INCLUDE_SIZE (1 << 20)
/* Seconds in which such a file must be read: 451 4.3.5. */
#define MDA_INCLUDE_SECONDS 10
/* Octets of a message's header searched for Delivered-To; what lies behind is not seen. */
#define MDA_HEADER_MAX (256 << 10)
/* Commands in a row that are wrong: 421 4.7.0 and the end. */
#define MDA_ERRORS_MAX 20
/* Worker processes at a time for one connection; one more takes the place of the one idle longest.
 * As many as every server must take recipients (RFC 5321 4.5.3.1.8): none of those is forked twice.
 */
#define MDA_WORKERS_MAX 100
/* Seconds for one command to arrive, setting lmtp-idle-seconds; a whole message has so many times
 * that: 421 4.4.2. */
#define MDA_IDLE_SECONDS 300
#define MDA_MESSAGE_TIMES 3
/* Seconds from the final dot to the last reply: what is undecided then is 451 4.3.2. Setting
 * delivery-seconds, at most MDA_DELIVERY_SECONDS_MAX. Less than the 50 s that smtp-recv waits
 * before it turns to the spool, so that the verdict arrives while someone listens. */
#define MDA_DELIVERY_SECONDS 45
#define MDA_DELIVERY_SECONDS_MAX 3600
/* Seconds for the check of one recipient: 451 4.3.2. smtp-recv waits for 30. */
#define MDA_CHECK_SECONDS 25
/* Of MDA_DELIVERY_SECONDS, kept for the spool to take what the mailboxes did not. */
#define MDA_SPOOL_SECONDS 10
/* Seconds for what is sent when the replies are out: delivery notices, answers and notifications of
 * rules. What is undecided then is logged. */
#define MDA_NOTICE_SECONDS 20
/* Seconds beyond that, after which the parser gives the parent up. */
#define MDA_PARENT_GRACE 10
/* Milliseconds that a worker which is let go has for its last writes: killed. */
#define MDA_WORKER_END 2000
/* Milliseconds in which one that was killed has ended: it is left to whoever inherits it. When one
 * has hung, what the others have that are let go beside it. */
#define MDA_KILLED_WAIT 20
/* Milliseconds that the texts of a delivered message wait for those of the next
 * (maildir/text-deliver.h).
 */
#define MDA_TEXTS_WAIT 50
/* With -l: workers that all servers together keep when a connection is over (some 150 KiB
 * each; to make one costs twice as much as a delivery); seconds after which an idle server ends
 * with its own; connections after which it does. */
#define MDA_WORKERS_KEPT 1000
#define MDA_SERVER_IDLE 5
#define MDA_SERVER_CONNECTIONS 2000
/* With -l: milliseconds in which nothing is accepted when there is no descriptor or memory for it. */
#define MDA_ACCEPT_PAUSE 100
/* With -l: servers that are led to one worker in its life; the next gets another one. */
#define MDA_WORKER_LINKS 1000
/* With -l: the most connections at a time that it can be told. */
#define MDA_CONNECTIONS_MAX 10000
/* What the rules of one account send elsewhere for one message: copies and messages; octets of what
 * they made for it. Beyond either the message is 451 4.3.5 for the recipient. */
#define MDA_OUTGOING_MAX 5000
#define MDA_OUTGOING_SIZE ((uint64_t)16 << 20)
/* The same copies and messages of all recipients together: 451 4.3.5 for those beyond. */
#define MDA_SENT_MAX 20000
/* Descriptors that the soft limit is raised to, where the hard one allows it. */
#define MDA_FILES 4096
/* Folders that get a copy by one account's rules. */
#define MDA_COPIES_MAX 100
/* A user's program. Seconds until it is killed, with all of its session: 451. Setting
 * rule-program-seconds; never beyond delivery-seconds less MDA_SPOOL_SECONDS. */
#define MDA_PROGRAM_SECONDS 30
/* Octets of address space of each of its processes. Setting rule-program-memory. */
#define MDA_PROGRAM_MEMORY ((uint64_t)1 << 30)
/* Processes of its user at a time, where accounts have users of their own. Setting
 * rule-program-processes. */
#define MDA_PROGRAM_PROCESSES 1000
/* Descriptors of each of its processes. */
#define MDA_PROGRAM_FILES 256
/* Octets of a .qmail file: 451. */
#define MDA_QMAIL_SIZE (1 << 20)
/* Seconds for the locks of an mbox file: 451. Seconds after which a lock file that nobody has
 * touched is a dead program's. */
#define MDA_MBOX_SECONDS 30
#define MDA_MBOX_LOCK_STALE 600
/* Milliseconds before the order's deadline at which a program, or waiting for a lock, must have
 * ended, so that the worker can still say what came of it. */
#define MDA_PROGRAM_RESERVE 1000
/* Octets in a line of a reply with a text of rules (RFC 5321 4.5.3.1.5 has 512). */
#define MDA_REPLY_LINE 400
/* Address space of the parser. */
#define MDA_PARSER_MEMORY ((uint64_t)64 << 20)

#endif

/* The process that touches a mailbox: forked by the parent for one account, it becomes that
 * account's user, sees which rules the account has (rules.h), confines itself as far as they allow,
 * and does what it is told until its channel ends. It checks and delivers by the same code, so what
 * RCPT promises is what DATA does. */
#ifndef POSTERN_MDA_LOCAL_WORKER_H
#define POSTERN_MDA_LOCAL_WORKER_H

#include <stdint.h>
#include <sys/types.h>
#include <skalibs/stralloc.h>

#include "lib/account.h"
#include "lib/id.h"
#include "maildir/quota.h"
#include "maildir/tree.h"
#include "lib/alias-list.h"
#include "mda-local/alias-user.h"
#include "mda-local/replies.h"
#include "mda-local/rules.h"

/* A forward-path or reverse-path as written, and a folder's name. */
#define WORK_ADDRESS_MAX 512
/* What rules say to the sender of a message that they refuse. */
#define WORK_TEXT_MAX 1024
/* A message file's name. */
#define WORK_FILE_MAX 256

enum work {
	WORK_CHECK,
	WORK_DELIVER,
	WORK_SETTLE, /* a copy was placed, and could not be committed with others: to be synced */
};

/* One order. Strings are C strings; WORK_DELIVER comes with the message's descriptor. */
struct order {
	uint32_t work;
	uint32_t looped;   /* WORK_DELIVER: the message bears a Delivered-To with rcpt already */
	uint32_t junk;	   /* it is marked as such */
	uint32_t smtputf8; /* the sender may be told what is not ASCII */
	uint32_t later;	   /* WORK_DELIVER: the copy may be placed (settle.h) */
	uint64_t size;	   /* octets: declared at RCPT, or of the message; 0 unknown */
	int64_t until;	   /* channel_now: what is not reported then is not believed */
	char id[ID_MAX + 1];
	char sender[WORK_ADDRESS_MAX];
	char rcpt[WORK_ADDRESS_MAX];   /* as the sender wrote it: Delivered-To */
	char local[WORK_ADDRESS_MAX];  /* the address that is the account's, aliases followed: */
	char domain[WORK_ADDRESS_MAX]; /* lower case; may be "" */
	char ext[WORK_ADDRESS_MAX];    /* what stood behind the separator, as written; "" */
	char separator;		       /* in front of it, or what would be; 0 none */
	char folder[WORK_ADDRESS_MAX]; /* wished for; "" INBOX */
	char file[WORK_FILE_MAX];      /* WORK_SETTLE: of folder's new/ */
	uint32_t past;		       /* into the mailbox, past .forward */
	char only[ALIAS_MARK + 1];     /* and of that just this program or file; "" none */
};

/* Milliseconds within which two changes may leave the same time behind. */
#define WORK_STAMP_AGE 20

/* A directory as it was: who sees another stamp looks again. All 0: it was too young to tell. */
struct work_stamp {
	uint64_t ino;
	int64_t seconds, nanoseconds; /* of its ctime */
};

/* What a worker goes by: who finds another home or Maildir needs another worker. */
struct worker_place {
	struct work_stamp home; /* as it was when rules were looked for */
	uint64_t dev, ino;	/* of the Maildir; ino 0: not known */
};

struct report {
	uint32_t reply; /* enum reply: REPLY_RCPT_OK, REPLY_DELIVERED or a failure */
	int32_t error;	/* errno behind a failure, 0 */
	uint32_t ends;	/* the worker could not settle and has ended; the next may do better */
	uint32_t again; /* beside ends: nothing was done, a new worker is to be told the same */
	uint32_t may_refuse; /* WORK_CHECK: rules may yet refuse the message for good */
	uint32_t may_send;   /* WORK_CHECK: rules may send it elsewhere: look for loops */
	uint32_t outgoing;   /* records in the descriptor that comes along (outgoing.h); 0: none */
	uint64_t disk;	     /* octets written */
	uint64_t placed;     /* WORK_DELIVER: the file system on which the copy was placed; 0: it is synced */
	struct work_stamp home;	       /* as it was when rules were looked for */
	char rules[RULES_NAME_MAX];    /* which counted; "" none */
	char folder[WORK_ADDRESS_MAX]; /* where it went */
	char file[WORK_FILE_MAX];      /* placed: its name */
	char text[WORK_TEXT_MAX];      /* to the sender, in place of the reply's own; "" none */
};

/* What programs of users may take: the settings rule-program-seconds, -processes, -memory, -path.
 */
struct program_policy {
	unsigned int seconds;
	unsigned int processes; /* of the account at a time; 0: any number */
	uint64_t memory;	/* octets of each one's address space; 0: any */
	char path[256];
};

/* What .forward may name, and what begins a subaddress ("" nothing). */
struct forward_policy {
	struct alias_allowed allowed;
	char separators[16];
};

/* Settings, read before any fork; all of its octets count when two are compared. */
struct worker_policy {
	uid_t uid_min;
	int quota_permanent;
	struct quota quota; /* grace and warnings */
	struct rules_policy rules;
	struct program_policy program;
	struct forward_policy forward;
};
void worker_policy_init(struct worker_policy *p);

/* What the functions of a kind of rules have at hand. */
struct worker {
	struct account const *account;
	struct worker_policy const *policy;
	struct maildir_tree tree;
	struct quota quota;		/* the account's rules */
	struct rules_kind const *rules; /* null: the account has none */
	void *state;			/* theirs, from order to order */
	struct work_stamp home;
	enum reply broken; /* the mailbox cannot be used: why */
	int error;
};

/* Runs in the forked child; does not return. Its ends of the channels: fd_link brings orders,
 * fd_broker more links (links.h; -1: none will come). */
void worker_run(int fd_link, int fd_broker, struct account const *a, struct worker_policy const *p)
    __attribute__((noreturn));

/* Sets the verdict with the errno behind it, and the text, cut and cleaned (null: the reply's own).
 */
void worker_say(struct report *rep, enum reply reply, int error, char const *text);
/* The reply for a mailbox or file of the account that failed with this errno. */
enum reply worker_reply(int error);
/* The two lines in front of every copy, appended: RFC 5321 4.4; RFC 9228. */
void worker_front(stralloc *out, char const *sender, char const *rcpt);

#endif

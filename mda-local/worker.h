/* The process that touches a mailbox: forked by the parent for one account, it becomes that
 * account's user, confines itself to its Maildir, and does what it is told until its channel ends.
 * It checks and delivers by the same code, so what RCPT promises is what DATA does. */
#ifndef POSTERN_MDA_LOCAL_WORKER_H
#define POSTERN_MDA_LOCAL_WORKER_H

#include <stdint.h>
#include <skalibs/stralloc.h>

#include "lib/account.h"
#include "lib/id.h"
#include "mda-local/replies.h"

/* A forward-path or reverse-path as written, and a folder's name. */
#define WORK_ADDRESS_MAX 512

enum work { WORK_CHECK, WORK_DELIVER };

/* One order. Strings are C strings; WORK_DELIVER comes with the message's descriptor. */
struct order {
	uint32_t work;
	uint64_t size; /* octets: declared at RCPT, or of the message; 0 unknown */
	char id[ID_MAX + 1];
	char sender[WORK_ADDRESS_MAX];
	char rcpt[WORK_ADDRESS_MAX];
	char folder[WORK_ADDRESS_MAX]; /* wished for; "" INBOX */
};

struct report {
	uint32_t reply; /* enum reply: REPLY_RCPT_OK, REPLY_DELIVERED or a failure */
	int32_t error;	/* errno behind a failure, 0 */
	uint32_t ends;	/* the worker could not settle and has ended; the next may do better */
	uint64_t disk;	/* octets written */
	char folder[WORK_ADDRESS_MAX]; /* where it went */
};

/* Settings, read before any fork. */
struct worker_policy {
	uid_t uid_min;
	int quota_permanent;
};
void worker_policy_init(struct worker_policy *p);

/* Runs in the forked child; does not return. fd is its end of the channel. */
void worker_run(int fd, struct account const *a, struct worker_policy const *p)
    __attribute__((noreturn));

/* The two lines in front of every copy, appended: RFC 5321 4.4; RFC 9228. */
void worker_front(stralloc *out, char const *sender, char const *rcpt);

#endif

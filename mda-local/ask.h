/* What the parser child may ask of its parent: fixed forms over a channel (channel.h). The parent
 * takes nothing in them on trust. */
#ifndef POSTERN_MDA_LOCAL_ASK_H
#define POSTERN_MDA_LOCAL_ASK_H

#include <stdint.h>

#include "lib/id.h"
#include "mda-local/worker.h"

enum ask_op {
	ASK_MAIL,    /* id, path, extra (ENVID), size, body, ret, smtputf8, requiretls: no answer */
	ASK_RCPT,    /* path, local, domain, extra (ORCPT), notify: one answer; with the first
			recipient that is accepted the message's memory, a memfd */
	ASK_BIG,     /* an unlinked file for the message: one answer, with the descriptor */
	ASK_SEALED,  /* the message is a sealed memfd, which comes along: no answer */
	ASK_LOOPED,  /* recipient number `size` is looping: no answer */
	ASK_JUNK,    /* the message is marked as junk: no answer */
	ASK_DELIVER, /* size octets, which change no more: one answer per accepted recipient, in
			their order, at most ASK_ANSWERS at once; the message is over then, and so
			is its memory's use */
	ASK_RESET,   /* the message is over: no answer; the next has its memory */
};

enum { ASK_ANSWERS = 16 };

/* What may be asked at once: MAIL with the first RCPT. */
enum { ASK_TOGETHER = 2 };

struct ask {
	uint32_t op, notify;
	uint64_t size;
	uint32_t body, ret, smtputf8, requiretls;
	char id[ID_MAX + 1];
	char path[WORK_ADDRESS_MAX]; /* as written between < and > */
	char local[WORK_ADDRESS_MAX];
	char domain[WORK_ADDRESS_MAX]; /* A-labels */
	char extra[WORK_ADDRESS_MAX];
};

struct answer {
	uint32_t reply;	   /* enum reply */
	uint32_t forwards; /* the recipient has copies that go elsewhere: look for loops */
	uint32_t may_refuse; /* its rules may refuse the message when they see it */
	char text[WORK_TEXT_MAX]; /* in place of the reply's own; "" none */
};

#endif

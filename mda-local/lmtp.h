/* The LMTP server (RFC 2033) that speaks to the client: no file, no user, one channel to its parent
 * (ask.h). commands.c has the table of commands, lmtp-data.c takes the message. */
#ifndef POSTERN_MDA_LOCAL_LMTP_H
#define POSTERN_MDA_LOCAL_LMTP_H

#include <stddef.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/command.h"
#include "lib/id.h"
#include "lib/net.h"
#include "lib/smtp-data.h"
#include "lib/smtp-envelope.h"
#include "mda-local/ask.h"
#include "mda-local/limits.h"
#include "mda-local/incoming.h"

#define LMTP_EXTENSIONS                                                                            \
	(EXT_PIPELINING | EXT_SIZE | EXT_8BITMIME | EXT_SMTPUTF8 | EXT_CHUNKING |                  \
	    EXT_ENHANCEDSTATUSCODES | EXT_XFORWARD | EXT_DSN |              \
	    EXT_REQUIRETLS)

enum lmtp_state {
	LMTP_NEW = 1,	/* before LHLO */
	LMTP_READY = 2, /* no message begun */
	LMTP_MAIL = 4,	/* MAIL, and no recipient yet */
	LMTP_RCPT = 8,
	LMTP_BDAT = 16, /* some chunks have come */
};
#define LMTP_ANY (LMTP_NEW | LMTP_READY | LMTP_MAIL | LMTP_RCPT | LMTP_BDAT)

/* A recipient that was accepted. */
struct lmtp_rcpt {
	char const *address; /* null unless loops are to be looked for */
};

/* What each connection writes to stands together, and long arrays behind it: a page that a copy of
 * a process writes to is a page fault. */
struct lmtp {
	int fd_parent;
	int fd_passed; /* by the client: -1 none */
	enum lmtp_state state;
	char const *connection;	  /* id */
	unsigned int messages;	  /* begun, for their ids */
	char next_id[ID_MAX + 1]; /* of XFORWARD; "" */
	unsigned int errors;	  /* in a row */
	uint64_t size_max;
	unsigned int seconds; /* that the parent takes at most to deliver */
	unsigned int idle;    /* seconds for the next command */
	struct arena arena;   /* of one message */
	size_t count;	      /* of rcpt */
	enum reply failed;    /* the message cannot be taken: why */
	struct smtp_data data;
	unsigned int asks; /* that wait for the next one */
	struct ask ask[ASK_TOGETHER];
	struct net net;
	struct incoming message;
	struct lmtp_rcpt rcpt[MDA_RCPT_MAX];
};

/* Reads the settings, before the sandbox is on; l's octets are all 0. */
void lmtp_settings(struct lmtp *l);
/* Prepares the session. id: the connection's, which stays. */
void lmtp_init(struct lmtp *l, char const *id);
/* Serves descriptors 0 and 1 until QUIT or the end; fd_parent is closed then. */
void lmtp_serve(struct lmtp *l, int fd_parent);

/* For the handlers. */
extern struct command const lmtp_commands[];
void lmtp_reply(struct lmtp *l, enum reply r);
/* A command or a message did not come in time: log line and reply. */
void lmtp_late(struct lmtp *l, char const *during);
/* The parent's answer about a recipient, in its words. */
void lmtp_answer(struct lmtp *l, struct answer const *a);
/* Ends the transaction. */
void lmtp_reset(struct lmtp *l);
/* A question to be filled in; all 0 otherwise. It is none yet. */
struct ask *lmtp_ask(struct lmtp *l, enum ask_op op);
/* It goes along with the next one. */
void lmtp_later(struct lmtp *l);
/* Sends it, what waits before it, and a descriptor along with it (-1: none). 0, or -1: the parent is
 * gone, and the session must end. */
int lmtp_tell(struct lmtp *l, int fd);
/* Waits for an answer; fd_r as channel_recv. 0 or -1. */
int lmtp_hear(struct lmtp *l, struct answer *a, int *fd_r);
/* The same for those to ASK_DELIVER: how many have come; 0: no more will. */
size_t lmtp_hear_some(struct lmtp *l, struct answer a[static ASK_ANSWERS]);
command_fn lmtp_data, lmtp_bdat, lmtp_sealed;

#endif

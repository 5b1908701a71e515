/* One LMTP session of spool-recv. */
#ifndef POSTERN_MDA_REMOTE_RECV_SESSION_H
#define POSTERN_MDA_REMOTE_RECV_SESSION_H

#include "lib/arena.h"
#include "lib/command.h"
#include "lib/id.h"
#include "lib/net.h"
#include "lib/smtp-data.h"
#include "mda-remote/envelope.h"
#include "mda-remote/spool.h"
#include "mda-remote/tls-required.h"

/* Before LHLO; no transaction; behind MAIL; behind RCPT; between two BDAT. */
enum { GREETED = 1, READY = 2, MAIL = 4, RCPT = 8, CHUNKS = 16 };

struct recv_session {
	struct net net;
	struct arena arena; /* of one transaction */
	unsigned int state, errors;
	int fd_spool;
	int foreign; /* started set-id by another user */
	int untold;  /* the peer named no id for this message: no server of ours received it */
	uid_t caller;
	uint64_t size_max, min_free, lifetime;
	unsigned int rcpt_max, room;
	unsigned int idle; /* seconds for the next command */
	char ident[ID_MAX + 1]; /* of XFORWARD, for the next message */
	char login[ENVELOPE_TEXT_MAX + 1]; /* the same */
	char hold[ENVELOPE_TEXT_MAX + 1]; /* the same: why it is not to be sent until it is released, or empty */
	char id[ID_MAX + 1];	/* of this message */
	unsigned int messages;
	struct envelope e;
	struct smtp_data data;
	struct tls_required tls_required;
	struct spool_file file;
	int open;	    /* file is */
	char const *failed; /* the reply of what went wrong first with the message's bytes */
};

extern struct command const recv_commands[];

/* Sends one reply line; counts refusals. */
void recv_reply(struct recv_session *s, char const *line);
/* A command or a message did not come in time: log line and reply. */
void recv_late(struct recv_session *s, char const *during);
/* Forgets the transaction. */
void recv_reset(struct recv_session *s);
/* DATA and BDAT. Return non-zero when the connection broke or the deadline came. */
command_fn recv_data, recv_bdat;

#endif

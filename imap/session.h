/* The state of one session, as every command handler sees it. */
#ifndef POSTERN_IMAP_SESSION_H
#define POSTERN_IMAP_SESSION_H

#include <stdint.h>
#include <skalibs/stralloc.h>

#include "imap/parse.h"
#include "lib/arena.h"
#include "lib/net.h"
#include "maildir/folder.h"
#include "maildir/quota.h"
#include "maildir/tree.h"

/* RFC 3501 section 3; what comes before login is imap-login's. Bits, for the dispatch table. */
enum state { STATE_AUTH = 1, STATE_SELECTED = 2 };

struct session {
	struct net net;
	struct parse parse;
	struct arena arena; /* the command in hand; emptied after its tagged reply */
	stralloc out;	    /* scratch for wire text, bounded by what one message's header gives */
	struct maildir_tree tree;
	struct quota quota;
	uint64_t append_limit;
	unsigned int timeout; /* seconds without a command */

	/* The command in hand. */
	char const *tag;
	int uid;    /* it is the UID form */
	int missed; /* it met a message that is gone and not yet told */

	/* The selected folder; null in STATE_AUTH. */
	struct folder *folder;
	char *name; /* its name, UTF-8, malloced */
	int readonly;
	uint32_t recent;       /* messages with \Recent, as last told */
	unsigned int keywords; /* keywords announced by FLAGS so far */

	int ended;	   /* no further command is taken */
	int fd_signal;	   /* readable when TERM or HUP came */
	unsigned int bad;  /* BAD replies in a row */
	uint64_t commands; /* for the log */
	tain sign;	   /* when a client that may have left gets a sign of life */
};

static inline enum state
session_state(struct session const *s)
{
	return s->folder ? STATE_SELECTED : STATE_AUTH;
}

/* Ends the session with an untagged BYE and this text. */
void session_bye(struct session *s, char const *text);
/* Between two messages of a command: 1 if the session must end here, because TERM or HUP came (BYE
 * is said) or nobody reads any more. The handler then gives up, and may return DONE. */
int session_stopped(struct session *s);
/* Closes the selected folder, if there is one. */
void session_unselect(struct session *s);

#endif

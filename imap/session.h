/* The state of one session, as every command handler sees it. */
#ifndef POSTERN_IMAP_SESSION_H
#define POSTERN_IMAP_SESSION_H

#include <stdint.h>
#include <skalibs/stralloc.h>

#include "imap/capability.h"
#include "imap/parse.h"
#include "imap/shared.h"
#include "lib/arena.h"
#include "lib/date.h"
#include "lib/net.h"
#include "maildir/folder.h"
#include "maildir/quota.h"
#include "maildir/tree.h"

/* RFC 3501 section 3; what comes before login is imap-login's. Bits, for the dispatch table. */
enum state { STATE_AUTH = 1, STATE_SELECTED = 2 };

struct session {
	struct parse parse;
	struct arena arena; /* the command in hand; emptied after its tagged reply */
	stralloc out;	    /* scratch for wire text, bounded by what one message's header gives */
	struct maildir_tree tree;
	struct quota quota;
	struct shared shared; /* what others share with this user */
	struct notify *notify; /* RFC 5465; null: NOTIFY was never used */
	char const *comment, *admin; /* /shared/comment and /shared/admin of the server, or null */
	uint64_t append_limit;
	unsigned int timeout; /* seconds without a command */
	unsigned int write_seconds; /* for a reply, or a message of it, to be taken */
	unsigned int progress_seconds; /* between signs of progress (RFC 9585); 0: none */
	uint64_t search_memory;	       /* octets for SORT, THREAD and what SEARCH keeps */
	uint32_t message_limit; /* messages of one command (RFC 9738); 0: no limit */
	uint32_t save_limit;	/* the same of COPY and APPEND */
	unsigned int enabled; /* enum capability_enable */

	/* The command in hand. */
	char const *tag;
	int uid;     /* it is the UID form */
	int numbers; /* it uses sequence numbers: no EXPUNGE may be told (RFC 3501 7.4.1) */
	int missed;  /* it met a message that is gone and not yet told */
	uint32_t lowest; /* only messages from this UID on, as message_limit allows; 0: all */

	/* The selected folder; null in STATE_AUTH. */
	struct folder *folder;
	struct transfer *target; /* what the last APPEND keeps for the next; null: nothing */
	struct folder *left; /* the one before, to be closed when the client has its answer */
	char *name;	     /* its name, UTF-8, malloced */
	int readonly;
	uint32_t recent;       /* messages with \Recent, as last told */
	unsigned int keywords; /* keywords announced by FLAGS so far */
	struct told {
		uint64_t highest; /* HIGHESTMODSEQ as the client has it (RFC 7162 section 6) */
		uint64_t modseq;  /* the highest that a FETCH response had since */
		int expunged;	  /* messages were told gone since */
		int low;	  /* it was told to go back, as something is pending */
	} told;

	/* Of the selected folder. */
	struct set saved;	  /* what "$" stands for (RFC 5182), as ranges of UIDs; malloced */
	struct context *contexts; /* RFC 5267 */
	struct batches {
		uint32_t size, from, to; /* the last UIDBATCHES; size 0: none */
		uint32_t count, uidnext; /* and the folder at that time */
	} batches;

	int compress;	   /* from the next command on (RFC 4978) */
	int ended;	   /* no further command is taken */
	int fd_signal;	   /* readable when TERM or HUP came */
	unsigned int bad;  /* BAD replies in a row */
	uint64_t commands; /* for the log */
	tain sign;	   /* when a client that may have left gets a sign of life */
	struct date_memo dates;
	struct flag_text {
		unsigned int flags;
		size_t len;    /* 0: none yet */
		char text[96]; /* the names of all flags fit */
	} flag_text;
	int64_t tick; /* of session_stopped's clock, when it last asked */
	uint64_t progress_told; /* how far the command in hand has said it is */
	int64_t progress_due; /* on that clock; 0: the command in hand has not been asked yet */
	struct net net; /* last: what is left when its buffers rest stands in one page */
};

static inline enum state
session_state(struct session const *s)
{
	return s->folder ? STATE_SELECTED : STATE_AUTH;
}

/* A CONDSTORE enabling command was given (RFC 7162 3.1): FETCH responses bear modseqs. */
static inline int
session_condstore(struct session const *s)
{
	return s->enabled & ENABLE_CONDSTORE;
}

/* RFC 9051 Appendix E: there is no \Recent, and no RECENT and UNSEEN responses. */
static inline int
session_rev2(struct session const *s)
{
	return s->enabled & ENABLE_REV2;
}

/* Ends the session with an untagged BYE and this text. */
void session_bye(struct session *s, char const *text);
/* The same of a client that was too slow: with a log line that says what it was to do. */
void session_late(struct session *s, char const *during, char const *text);
/* Between two messages of a command: 1 if the session must end here, because TERM or HUP came (BYE
 * is said) or nobody reads any more. The handler then gives up, and may return DONE. Costs next to
 * nothing; also renews the time that the client has to take what is sent. */
int session_stopped(struct session *s);
/* Nothing is selected any more; the folder itself is closed by the next session_wait, or here if it
 * is the second. */
void session_unselect(struct session *s);
/* Closes what session_unselect has left. */
void session_close_left(struct session *s);

/* wait.c. The only place where a session waits for its client between commands and in IDLE, or for
 * one of the descriptors, as idle_wait. Meanwhile folders are settled and closed. */
int session_wait(struct session *s, int const *fd, unsigned int count, tain const *latest);

#endif

/* One connection: its state, and what every command's file needs. */
#ifndef SMTP_RECV_SESSION_H
#define SMTP_RECV_SESSION_H

#include <stddef.h>
#include <skalibs/stralloc.h>

#include "lib/arena.h"
#include "lib/command.h"
#include "lib/id.h"
#include "lib/login.h"
#include "lib/net.h"
#include "lib/smtp-data.h"
#include "lib/smtp-envelope.h"
#include "lib/ucspi.h"
#include "smtp-recv/binary.h"
#include "smtp-recv/decide.h"
#include "smtp-recv/door.h"
#include "smtp-recv/header-scan.h"
#include "smtp-recv/limits.h"
#include "smtp-recv/message.h"
#include "smtp-recv/milters.h"
#include "smtp-recv/outlet.h"
#include "smtp-recv/prdr.h"
#include "smtp-recv/replies.h"
#include "smtp-recv/settings.h"

/* Protocol states, for the states column of commands.c. */
enum {
	ST_START = 1, /* no greeting so far */
	ST_HELO = 2,
	ST_EHLO = 4,
	ST_MAIL = 8,  /* a sender, no recipient */
	ST_RCPT = 16, /* at least one recipient */
	ST_BDAT = 32, /* between chunks */
};

/* Flags of this protocol in commands.c. */
enum {
	SMTP_JUNK = COMMAND_OWN,     /* brings no message nearer: JUNK_MAX in a row are enough */
	SMTP_LONG = COMMAND_OWN * 2, /* the line may be longer than SMTP_LINE_MAX */
	SMTP_OCTETS =
	    COMMAND_OWN * 4, /* octets follow, even when it is refused: the handler checks */
};

struct recipient {
	struct smtp_rcpt rcpt; /* as it is passed on */
	char const *given;     /* as it came, for the log and the Received field */
	struct outlet *via;    /* its LMTP server; null: the spool */
	enum verdict verdict;
	int named;	  /* its server has accepted it */
	int queued;	  /* the spool has taken it into its transaction */
	int code;	  /* of the last reply about it, text with enhanced code */
	char const *text; /* in the arena */
};

struct transaction {
	struct arena arena; /* everything below that points */
	char id[ID_MAX + 1];
	struct smtp_mail mail;
	struct recipient *rcpts;
	size_t count, room;
	int alone; /* the one recipient must stay the only one */
	unsigned int asked; /* RCPT commands, refused ones too */
	struct prdr prdr;
	struct message message;
	struct smtp_data data;
	tain latest;   /* when the message must have come, but for the time that its octets so far give it */
	struct header_scan header;
	int is_binary;	      /* BODY=BINARYMIME; what is passed on is not */
	struct binary binary; /* in use once octets have come */
	int renew;	  /* what LMTP servers know of the envelope is no longer true */
	int discard;	  /* a filter takes the message away */
	char const *hold; /* why the spool is to hold it; null: it is not */
	enum reply fault; /* why the message will be refused; REPLY_OK: it will not */
};

struct session {
	struct net net;
	struct settings set;
	struct ucspi peer;
	struct login *login; /* the pair; null without a checkpassword program */
	int fd_end;	     /* readable when the program was told to end; -1 where login tells */
	int cleartext;	     /* this peer may send passwords without TLS */
	int confined;	     /* the sandbox is on: this is a zygote's copy */
	int trusted_network; /* etc/trusted-networks has its address */
	int proxy;	     /* etc/smtp-xclient has it: it may say whom it speaks for */
	char client_name[SMTP_DOMAIN_MAX + 1]; /* of the peer, as a proxy knows it; "" unknown */
	int tls;
	tain end; /* of the whole session */
	unsigned int state;
	int esmtp; /* greeted with EHLO */
	int64_t future_until; /* that EHLO said messages may be held until, seconds since 1970 */
	char helo[SMTP_DOMAIN_MAX + 1];
	char mechanism[32]; /* that the user has authenticated by, or XCLIENT; "" none */
	char user[LOGIN_NAME_MAX + 1]; /* authenticated as, or the local peer's login; "" nobody */
	char local_user[LOGIN_NAME_MAX + 1]; /* the local peer's login on a submission socket */
	int any_sender;		/* the local peer is root or this instance's own user */
	char ident[ID_MAX + 1]; /* of XFORWARD, for the next MAIL */
	unsigned int errors, junk, messages;
	int code; /* of the last reply, and its text, for the log */
	char said[512];
	int early; /* talking ahead was logged */
	struct transaction tx;
	struct outlet *outlets[OUTLETS_MAX];
	struct outlet *spool;
	struct outlet *callout; /* who asks relay domains' own servers; null: none was asked */
	struct milters milters;
	struct door door;
	unsigned int tarpit; /* seconds that replies were held back so far */
};

/* Prepares over descriptors 0 and 1; settings, peer, login and fd_end are set already. */
void session_init(struct session *s);
/* Greeting, commands, end; returns when the connection is to be closed. */
void session_run(struct session *s);
/* The first line, said again when a proxy has named its client; 421 where that has had too much. */
void session_greeting(struct session *s);
/* Ends the transaction: RSET, EHLO, after a message. The state becomes HELO or EHLO. */
void session_reset(struct session *s);
/* Whether this peer counts as one of ours whoever it is: on a Unix socket, RELAYCLIENT, in
 * etc/trusted-networks. What is checked of strangers is not checked of it. */
int session_trusted(struct session const *s);
/* Whether it is measured as a stranger: neither trusted nor authenticated nor on this host, nor a
 * proxy that has not said yet whom it speaks for. */
int session_stranger(struct session const *s);
/* Whether this peer may send to anywhere; such senders are also told of late failures by mail. */
int session_may_relay(struct session const *s);
/* Adds a recipient that nobody has asked for; its server is not told yet. */
void session_add_recipient(struct session *s, struct smtp_rcpt const *rcpt);
/* The extensions that EHLO names now. */
unsigned int session_offers(struct session const *s);
/* The connection failed or timed out (errno): says 421 where that makes sense, logs, returns 1. */
int session_lost(struct session *s);
/* One line of the client, waiting for the end of the program too. NET_*; -2: told to end. */
int session_line(struct session *s, char *line, size_t max, size_t *len);

/* Replies: a constant one; the same with something behind it; one that came from elsewhere
 * (text with enhanced code, lines divided by "\n"). Always return 0, for handlers to return; 421
 * ends the session all the same. */
int reply(struct session *s, enum reply r);
int reply_with(struct session *s, enum reply r, char const *detail);
int reply_number(struct session *s, enum reply r, uint64_t n);
int reply_text(struct session *s, int code, char const *text);

#endif

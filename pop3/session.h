/* A POP3 session after login: RFC 1939's TRANSACTION state over one folder, INBOX. Messages are
 * known by their place when it was opened; what other programs bring or take meanwhile changes no
 * number. */
#ifndef POSTERN_POP3_SESSION_H
#define POSTERN_POP3_SESSION_H

#include <stdint.h>
#include <skalibs/stralloc.h>

#include "lib/command.h"
#include "lib/net.h"
#include "maildir/folder.h"
#include "maildir/quota.h"
#include "pop3/limits.h"

enum { POP3_TRANSACTION = 1 };

/* A message's mark. */
enum {
	MARK_DELETED = 1, /* by DELE: removed at QUIT, if it comes */
	MARK_READ = 2,	  /* by RETR: becomes seen at QUIT */
};

#define POP3_READ 65536 /* octets of a message read at a time */

struct pop3 {
	struct net net;
	struct folder *folder;
	struct quota quota;
	uint32_t count;
	unsigned char *marks; /* one byte for each message */
	stralloc id;	      /* scratch for unique ids */
	unsigned int idle, errors;
	/* Of the login program in front, for CAPA; null: there is none */
	char const *mechanisms;
	char line[POP3_COMMAND_MAX];
	char text[POP3_READ]; /* of the message that is being sent */
};

/* commands.c */
extern struct command const pop3_commands[];
/* Sends a reply to what was an error of the client, and counts it. */
void pop3_error(struct pop3 *s, char const *reply);

/* send.c. Sends message i (0-based) with its +OK, dot-stuffed, and the final dot; of its body at
 * most `lines` lines (SEND_WHOLE: all). 0; -1 after an error reply; 1 if the connection can only be
 * closed, because the message ended early or the client is gone. */
#define SEND_WHOLE UINT32_MAX
int pop3_send(struct pop3 *s, uint32_t i, uint32_t lines);

#endif

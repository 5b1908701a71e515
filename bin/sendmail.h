/* sendmail: the parts of the program. */
#ifndef POSTERN_SENDMAIL_H
#define POSTERN_SENDMAIL_H

#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>

#include "lib/arena.h"
#include "lib/smtp-envelope.h"

/* The exit codes that callers know (sysexits). */
enum {
	SENDMAIL_OK = 0,
	SENDMAIL_USAGE = 64,
	SENDMAIL_DATA = 65,	   /* the message or an address in it is malformed */
	SENDMAIL_NOUSER = 67,	   /* a recipient was refused for good */
	SENDMAIL_UNAVAILABLE = 69, /* the server refused for good */
	SENDMAIL_OS = 71,
	SENDMAIL_IO = 74,
	SENDMAIL_TEMP = 75, /* try again later */
};

#define SENDMAIL_MEMORY                                                                            \
	(256u << 10) /* bytes held in memory, the whole header among them: else 65 */
#define SENDMAIL_CONNECT_SECONDS 10
#define SENDMAIL_REPLY_SECONDS 300
#define SENDMAIL_DOT_SECONDS 600

struct sendmail {
	/* Options. */
	enum sendmail_mode { MODE_SEND, MODE_SMTP, MODE_QUEUE, MODE_VERIFY, MODE_NOTHING } mode;
	int from_header; /* -t */
	int no_dots;	 /* -i: a line with a dot alone does not end the message */
	int verbose;
	int flush;	       /* -q: with nothing to send, what waits is tried now */
	char const *full_name; /* -F, or of the password file */
	char const *sender;    /* -f; null: who runs it */
	char const *login;     /* who runs it */
	unsigned int notify;   /* -N */
	/* The message. */
	struct arena arena;
	struct smtp_mail mail;
	struct smtp_rcpt *rcpt;
	unsigned int rcpts, room;
	stralloc text;	 /* its beginning: the header, and what else is in memory */
	int fd_rest;	 /* what did not fit, from its begin; -1: nothing */
	size_t body_at;	 /* in text: where the message's own header ends */
	stralloc header; /* what is sent instead of text[0..body_at) */
};

/* Ends the program: "sendmail: fatal: what", and what exit code. */
void sendmail_die(int code, char const *what, char const *more) __attribute__((noreturn));

/* Reads standard input to its end, or to a line with a dot alone; CR LF becomes LF. */
void sendmail_read(struct sendmail *s);

/* "a" becomes "a@me"; what has a domain stays. In the arena. */
char const *sendmail_qualify(struct sendmail *s, char const *address);
/* Adds the addresses of a list ("a, Bob <b@c>") as recipients, each once. */
void sendmail_add_list(struct sendmail *s, char const *list, size_t n);
/* Makes s->header: Bcc goes with -t and its addresses become recipients, Date, Message-ID and From
 * are added where they are missing. */
void sendmail_header(struct sendmail *s);

/* Connects (submission socket, else spool-recv as a child) and hands the message over. Exit code.
 */
int sendmail_submit(struct sendmail *s);
/* Becomes the program beside this one, wherever it is installed (cron's PATH may not lead there),
 * or one in PATH; arg may be null. Returns only on failure. */
void sendmail_exec(char const *prog, char const *arg);
/* -bs: standard input and output are a client's that speaks SMTP. Exit code. */
int sendmail_relay(void);

#endif

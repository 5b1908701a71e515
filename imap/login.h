/* imap-login's session before login, and its three parts: login-read.c makes commands out of lines
 * and literals, login-parse.c takes their arguments apart, login-commands.c answers them. */
#ifndef POSTERN_IMAP_LOGIN_H
#define POSTERN_IMAP_LOGIN_H

#include <stddef.h>

#include "imap/login-limits.h"
#include "lib/login.h"
#include "lib/net.h"

/* What a command holds that is still to be read: s[at..len), C string. A literal stands there as
 * {N} CR LF and its N octets. */
struct imap_login_cursor {
	char *s;
	size_t at, len;
};

struct imap_login {
	struct net net;
	struct login login;
	tain latest;   /* end of the time before login */
	int cleartext; /* this peer may send passwords without TLS */
	unsigned int commands, errors;
	char tag[IMAP_LOGIN_TAG_MAX + 1];
	struct imap_login_command const
	    *row; /* the command's; null if there is none of that name */
	struct imap_login_cursor args;
	char text[IMAP_LOGIN_COMMAND_MAX];
};

/* A handler returns 0 to go on, anything else to end the connection. */
typedef int imap_login_fn(struct imap_login *s);

enum {
	IMAP_LOGIN_PASSWORD = 1,   /* needs TLS or a peer that is trusted with clear text */
	IMAP_LOGIN_LITERALS = 2,   /* its arguments may be literals */
	IMAP_LOGIN_BEFORE_TLS = 4, /* only where TLS can be started and is not active */
};

struct imap_login_command {
	char const *verb; /* upper case; null ends the table */
	imap_login_fn *fn;
	int has_args; /* 0: none may follow; 1: some must */
	unsigned int flags;
	char const *syntax; /* the reply when it is not kept */
};

/* login-commands.c. RFC 3501 6.1 and 6.2, RFC 2971. */
extern struct imap_login_command const imap_login_commands[];
/* Passwords may be sent now: TLS is active or the peer is trusted. */
int imap_login_password_ok(struct imap_login const *s);
void imap_login_greet(struct imap_login *s);
/* "TAG TEXT CR LF", untagged as long as there is no tag; a BAD is counted. */
void imap_login_say(struct imap_login *s, char const *text);

/* login-read.c. Reads one command into tag, row and args. IMAP_LOGIN_ERROR: it was answered
 * already; IMAP_LOGIN_END: nothing more can be read, last words are said. */
enum imap_login_read { IMAP_LOGIN_END, IMAP_LOGIN_COMMAND, IMAP_LOGIN_ERROR };
enum imap_login_read imap_login_read(struct imap_login *s);
/* One line into line[0..max), NUL behind it: NET_LINE, NET_LONG, or NET_EOF when nothing more can
 * be read; then our last words are said. */
enum net_line imap_login_read_line(void *arg, char *line, size_t max, size_t *len);

/* login-parse.c. Each takes something off the cursor's front: 1, or 0 if it is not there. A string
 * stays where it is (escapes are undone in place), *len octets from *s, without a NUL behind. */
int imap_login_space(struct imap_login_cursor *c);
int imap_login_end(struct imap_login_cursor const *c);
int imap_login_char(struct imap_login_cursor *c, char wanted);
int imap_login_atom(struct imap_login_cursor *c, char **s, size_t *len);
int imap_login_astring_bare(struct imap_login_cursor *c, char **s, size_t *len);
int imap_login_string(struct imap_login_cursor *c, char **s, size_t *len);
int imap_login_astring(struct imap_login_cursor *c, char **s, size_t *len);
int imap_login_nil(struct imap_login_cursor *c);
/* The literal that a line's end announces: its header's length in characters and its size, or 0 if
 * there is none. *synchronizing: it waits for our "+". Sizes beyond 32 bits become UINT32_MAX. */
size_t imap_login_literal(char const *line, size_t len, size_t *size, int *synchronizing);

#endif

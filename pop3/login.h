/* pop3-login's session: RFC 1939's AUTHORIZATION state. */
#ifndef POSTERN_POP3_LOGIN_H
#define POSTERN_POP3_LOGIN_H

#include "lib/command.h"
#include "lib/login.h"
#include "lib/net.h"
#include "pop3/limits.h"

enum {
	POP3_LOGIN_START = 1,
	POP3_LOGIN_USER = 2, /* USER was taken, PASS may come */
};

enum {
	POP3_LOGIN_PASSWORD = COMMAND_OWN, /* needs TLS or a peer that is trusted with clear text */
	POP3_LOGIN_TLS = COMMAND_OWN << 1, /* only where TLS can be started and is not active */
};

struct pop3_login {
	struct net net;
	struct login login;
	tain latest;   /* end of the time before login */
	int utf8;      /* UTF8 was said (RFC 6856) */
	int cleartext; /* this peer may send passwords without TLS */
	unsigned int state, errors;
	char user[LOGIN_NAME_MAX + 1];
	char line[POP3_LINE_MAX], raw[POP3_LINE_MAX]; /* taken apart, and as it came */
};

/* login-commands.c */
extern struct command const pop3_login_commands[];
/* Passwords may be sent now: TLS is active or the peer is trusted. */
int pop3_login_password_ok(struct pop3_login const *s);

/* pop3-login.c. The next line: NET_LINE, NET_LONG, or NET_EOF at the connection's end, the deadline
 * or the server's. */
enum net_line pop3_login_read(void *arg, char *line, size_t max, size_t *len);
/* Sends a reply to what was an error of the client, and counts it. */
void pop3_login_error(struct pop3_login *s, char const *reply);

#endif

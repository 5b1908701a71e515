/* managesieve-login's session before login. */
#ifndef POSTERN_MANAGESIEVE_LOGIN_H
#define POSTERN_MANAGESIEVE_LOGIN_H

#include "lib/login.h"
#include "managesieve/read.h"
#include "managesieve/replies.h"

enum {
	MANAGE_PASSWORD = 1,   /* needs TLS or a peer that is trusted with clear text */
	MANAGE_BEFORE_TLS = 2, /* only where TLS can be started and is not active */
};

struct manage_login {
	struct net net;
	struct login login;
	struct manage_reader reader;
	struct manage_capability capability;
	tain latest;   /* end of the time before login */
	int cleartext; /* this peer may send passwords without TLS */
	unsigned int commands, errors;
	char room[MANAGE_LOGIN_COMMAND_MAX];
};

/* login-commands.c */
extern struct manage_row const manage_login_rows[];
void manage_login_greet(struct manage_login *s);
/* Answers what was read. Not 0: it was the last. */
int manage_login_command(struct manage_login *s, struct manage_line *c);
/* A reply to what was an error of the client, which is counted. */
void manage_login_error(struct manage_login *s, char const *reply);

/* managesieve-login.c. The next line: as struct manage_reader has it. */
enum net_line manage_login_line(void *arg, char *line, size_t max, size_t *len);

#endif

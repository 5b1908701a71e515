/* managesieve's session after login. */
#ifndef POSTERN_MANAGESIEVE_SESSION_H
#define POSTERN_MANAGESIEVE_SESSION_H

#include "lib/arena.h"
#include "lib/net.h"
#include "managesieve/read.h"
#include "managesieve/replies.h"
#include "managesieve/scripts.h"
#include "sieve/sieve.h"

enum {
	MANAGE_LOCKED = 1, /* no other session changes anything meanwhile; an active script that is
			      a plain file has become one like others */
};

struct manage_session {
	struct net net;
	struct manage_reader reader;
	struct manage_capability capability;
	struct scripts scripts;
	struct sieve_limits limits;
	unsigned int max_scripts;
	uint64_t max_storage; /* octets of all scripts together; 0: any number */
	unsigned int idle, seconds;
	unsigned int errors;
	int fd_signal;
	struct arena arena; /* of one command */
};

/* commands.c */
extern struct manage_row const manage_rows[];
/* Answers what was read. Not 0: it was the last. */
int manage_command(struct manage_session *s, struct manage_line *c);
/* A reply to what was an error of the client, which is counted. */
void manage_error(struct manage_session *s, char const *reply);

#endif

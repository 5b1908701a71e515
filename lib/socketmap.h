/* A client of the socketmap protocol, sendmail's and Postfix's (socketmap_table(5)): a question is
 * the netstring "MAP KEY", its answer one of "OK VALUE", "NOTFOUND ", "TEMP REASON", "TIMEOUT
 * REASON", "PERM REASON". The server is a directory's (LDAP, SQL), or our own child
 * (system-map(8)). It is not trusted with more than its answers: lengths are strict and bounded. */
#ifndef POSTERN_SOCKETMAP_H
#define POSTERN_SOCKETMAP_H

#include <stddef.h>
#include <sys/types.h>
#include <skalibs/stralloc.h>
#include <skalibs/tai.h>

#define SOCKETMAP_ANSWER_MAX 100000 /* octets of an answer: Postfix's own limit */

enum socketmap_answer {
	SOCKETMAP_MORE, /* the answer is not whole yet */
	SOCKETMAP_OK,
	SOCKETMAP_NOTFOUND,
	SOCKETMAP_TEMP, /* also its TIMEOUT */
	SOCKETMAP_PERM,
	SOCKETMAP_BAD, /* no answer of this protocol */
};

/* Reads s[0..n), all that came since the question. *text gets what stands behind the word, *len
 * octets of it. */
enum socketmap_answer socketmap_parse(char const *s, size_t n, char const **text, size_t *len);

struct socketmap {
	char const *address; /* "unix:PATH" (absolute), "HOST:PORT", or "run:PROGRAM" */
	char const *map;
	int fd;	   /* -1: not connected */
	pid_t pid; /* of a program; 0: none */
};

/* Asks for key[0..len), connecting if need be; once more on a new connection where one that was
 * kept has been closed meanwhile. 1 and the value (copied, a C string); 0 there is none; -1 and
 * *why, a text that lives until the next call: errno EINVAL where the server said PERM, else
 * ETIMEDOUT or what went wrong. The connection stays open after 1 and 0. */
int socketmap_find(struct socketmap *m, char const *key, size_t len, tain const *deadline,
    stralloc *value, char const **why);
/* Ends the connection, and waits for the program. */
void socketmap_close(struct socketmap *m);

#endif

/* Ids that tie log lines together. A connection's id is made by the first of our programs on it and
 * handed on in POSTERN_ID; a message's id is the connection's plus ".n", made at MAIL, and goes along
 * as XFORWARD IDENT through LMTP and stands in the spool file. Ids sort by time. */
#ifndef POSTERN_ID_H
#define POSTERN_ID_H

#define ID_MAX 40

/* Writes a fresh id with a NUL: microseconds since 1970 and the pid, in base 32. */
void id_new(char id[static ID_MAX + 1]);
/* The connection's id: POSTERN_ID, or a fresh one, which is then put into the environment. */
char const *id_connection(void);
/* 1 if s is a string that id_new or a peer's IDENT may be: 1 to ID_MAX of [A-Za-z0-9._+-]. */
int id_valid(char const *s);

#endif

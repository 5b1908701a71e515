/* The Maildir that a session program serves. */
#ifndef POSTERN_MAILDIR_OWN_H
#define POSTERN_MAILDIR_OWN_H

/* MAILDIR, else Maildir in HOME, without a slash at its end; malloced. Null: neither is set. */
char *own_maildir(void);
/* 0 if this is root and the Maildir another user's: a checkpassword program that forgot to become
 * the user must not go unnoticed, in a home that has no Maildir yet least of all, as there it would
 * be made as root's. */
int own_allowed(char const *maildir);

#endif

/* Passwords that etc/users does not have ("x", as in passwd(5)): the checkpassword program of the
 * setting password-checker says what is right. */
#ifndef POSTERN_AUTH_CHECKER_H
#define POSTERN_AUTH_CHECKER_H

#define AUTH_CHECKER_WORDS 32 /* of the setting: the program and its arguments */

/* 1 if another program knows this account's password. */
int auth_checker_wanted(char const *hash);
/* Runs it as "PROGRAM ARGS true". 1 right, 0 wrong or no such setting, -1 it could not tell
 * (logged). Has no deadline: who runs us has one. */
int auth_checker(char const *name, char const *password);

#endif

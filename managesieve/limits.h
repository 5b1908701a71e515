/* The limits of managesieve-login and managesieve; each has its own reply (managesieve/replies.h).
 * Those of the scripts themselves: sieve/limits.h. */
#ifndef POSTERN_MANAGESIEVE_LIMITS_H
#define POSTERN_MANAGESIEVE_LIMITS_H

/* Octets of one line after login, a quoted name and tag of 1024 octets in it (RFC 5804 4): more is
 * a BYE, since nobody can tell whether a literal follows. */
#define MANAGE_LINE_MAX 8192
/* The same before login: an initial response (SASL_LINE_MAX) in quotes; and all of one command. */
#define MANAGE_LOGIN_LINE_MAX 12800
#define MANAGE_LOGIN_COMMAND_MAX (3 * MANAGE_LOGIN_LINE_MAX)
/* A literal that is too long is read and dropped up to here: NO; a longer one is a BYE. */
#define MANAGE_DROP_MAX ((size_t)64 << 20)
#define MANAGE_LOGIN_DROP_MAX 65536
/* Arguments of a command: NO. */
#define MANAGE_ARGS_MAX 3
/* Octets of NOOP's tag: NO. */
#define MANAGE_TAG_MAX 1024
/* Commands before login, and how many of them may be errors; errors after it. */
#define MANAGE_LOGIN_COMMANDS_MAX 100
#define MANAGE_LOGIN_ERRORS_MAX 10
#define MANAGE_ERRORS_MAX 100
/* Scripts of an account, default of the setting managesieve-max-scripts: NO (QUOTA/MAXSCRIPTS). */
#define MANAGE_SCRIPTS 100
/* Scripts that are listed at most, whoever has put them there. */
#define MANAGE_LIST_MAX 10000
/* Connections of one login (etc/managesieve-user-connections). */
#define MANAGE_USER_CONNECTIONS 20
/* Seconds from the greeting to a login (etc/login-timeout). */
#define MANAGE_LOGIN_SECONDS 180
/* Seconds without a command, default of the setting managesieve-timeout (RFC 5804 1.1: no less
 * after login): BYE. */
#define MANAGE_IDLE_SECONDS 1800
/* Seconds for the rest of a command that has begun, and for the client to take its reply, default
 * of the setting managesieve-read-timeout: BYE. */
#define MANAGE_READ_SECONDS 300
/* Seconds that a command waits for another session of the account, if managesieve-read-timeout is
 * not less: NO (TRYLATER). */
#define MANAGE_LOCK_SECONDS 10
/* Seconds after which what a killed session left in sieve/tmp is removed. */
#define MANAGE_TMP_SECONDS 3600
/* Seconds for the client to take our last words. */
#define MANAGE_FINISH_SECONDS 3

#endif

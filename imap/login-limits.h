/* The limits of imap-login; each has its own reply (imap/login-replies.h). */
#ifndef POSTERN_IMAP_LOGIN_LIMITS_H
#define POSTERN_IMAP_LOGIN_LIMITS_H

/* One command before login, literals included; with an initial response (SASL_LINE_MAX). */
#define IMAP_LOGIN_COMMAND_MAX 12800
/* One literal; a longer non-synchronizing one is read and dropped up to IMAP_LOGIN_DROP_MAX. */
#define IMAP_LOGIN_LITERAL_MAX 1024
#define IMAP_LOGIN_DROP_MAX 65536
#define IMAP_LOGIN_TAG_MAX 128
/* Commands before login, and how many of them may be errors. */
#define IMAP_LOGIN_COMMANDS_MAX 100
#define IMAP_LOGIN_ERRORS_MAX 10
/* RFC 2971 3.3: thirty pairs, names of 30 and values of 1024 octets. */
#define IMAP_LOGIN_ID_PAIRS_MAX 30
#define IMAP_LOGIN_ID_NAME_MAX 30
#define IMAP_LOGIN_ID_VALUE_MAX 1024
/* Connections of one login (etc/imap-user-connections). */
#define IMAP_USER_CONNECTIONS 200
/* Seconds from the greeting to a login (etc/login-timeout). */
#define IMAP_LOGIN_SECONDS 180
/* Seconds for the client to take our last words. */
#define IMAP_LOGIN_FINISH_SECONDS 3

#endif

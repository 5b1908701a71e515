/* Everything pop3-login and pop3 say, in one place. Codes in brackets: RFC 2449 8, RFC 3206. */
#ifndef POSTERN_POP3_REPLIES_H
#define POSTERN_POP3_REPLIES_H

#define POP3_IMPLEMENTATION "postern"

/* clang-format off */
#define OK_READY        "+OK postern ready\r\n"
#define OK_USER         "+OK Now the password\r\n"
#define OK_LIST         "+OK\r\n"
#define OK_CAPA         "+OK Capabilities follow\r\n"
#define OK_STLS         "+OK Begin TLS negotiation now\r\n"
#define OK_UTF8         "+OK UTF-8 it is\r\n"
#define OK_BYE          "+OK Bye\r\n"
#define OK_LOGIN        "+OK Logged in\r\n"
#define OK_PREAUTH      "+OK postern ready, logged in already\r\n"
#define OK_NOOP         "+OK\r\n"
#define OK_RSET         "+OK Nothing is marked as deleted\r\n"
#define OK_DELE         "+OK Marked to be deleted\r\n"
#define OK_QUIT         "+OK Bye\r\n"

#define ERR_UNKNOWN     "-ERR Unknown command\r\n"
#define ERR_STATE       "-ERR Not now\r\n"
#define ERR_NEEDSARG    "-ERR Argument missing, usage: "
#define ERR_NOARG       "-ERR No argument allowed, usage: "
#define ERR_ARGUMENT    "-ERR Bad argument, usage: "
#define ERR_NUL         "-ERR Control characters are not allowed\r\n"
#define ERR_LONG        "-ERR Line too long\r\n"
#define ERR_ERRORS      "-ERR [SYS/PERM] Too many errors\r\n"

#define ERR_PRIVACY     "-ERR [AUTH] Passwords in clear need TLS first\r\n"
#define ERR_PASSWORDS   "-ERR [AUTH] Passwords are not taken here, use AUTH\r\n"
#define ERR_NOT_UTF8    "-ERR That is not UTF-8\r\n"
#define ERR_UTF8_STLS   "-ERR STLS comes before UTF8\r\n"
#define ERR_NO_TLS      "-ERR TLS is not available here\r\n"
#define ERR_TLS_ALREADY "-ERR TLS is active already\r\n"
#define ERR_REFUSED     "-ERR [AUTH] Login name or password is wrong\r\n"
#define ERR_TOOMANY     "-ERR [AUTH] Login name or password is wrong, too often\r\n"
#define ERR_TEMPFAIL    "-ERR [SYS/TEMP] Passwords cannot be checked now, try again later\r\n"
#define ERR_LIMIT       "-ERR [IN-USE] Too many connections of this user\r\n"
#define ERR_AUTHZID     "-ERR [AUTH] Nobody may act for another user here\r\n"
#define ERR_MECHANISM   "-ERR No such authentication mechanism\r\n"
#define ERR_CANCELLED   "-ERR Authentication cancelled\r\n"
#define ERR_SASL_SYNTAX "-ERR That is not what the mechanism expects\r\n"
#define ERR_SASL_LONG   "-ERR Authentication exchange line too long\r\n"

#define ERR_NO_MESSAGE  "-ERR No such message\r\n"
#define ERR_DELETED     "-ERR That message is marked as deleted\r\n"
#define ERR_GONE        "-ERR [SYS/TEMP] Another program has removed that message\r\n"
#define ERR_READ        "-ERR [SYS/TEMP] That message cannot be read now\r\n"
#define ERR_NOT_DELETED "-ERR [SYS/TEMP] Some messages could not be removed\r\n"
#define ERR_NOMEM       "-ERR [SYS/TEMP] Out of memory\r\n"
#define ERR_FILE        "-ERR [SYS/TEMP] A file of the mailbox was cut short or damaged while it was read\r\n"
/* clang-format on */

#endif

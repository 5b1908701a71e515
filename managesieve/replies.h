/* Everything managesieve-login and managesieve say, in one place. Codes: RFC 5804 1.3.
 * TRANSITION-NEEDED is never said: it would tell that there is such a user (RFC 5804 5). */
#ifndef POSTERN_MANAGESIEVE_REPLIES_H
#define POSTERN_MANAGESIEVE_REPLIES_H

#include <stddef.h>

#include "lib/net.h"

#define MANAGE_IMPLEMENTATION "postern"

/* clang-format off */
#define OK_READY           "OK \"postern ready\"\r\n"
#define OK_PREAUTH         "OK \"postern ready, logged in already\"\r\n"
#define OK_LOGIN           "OK \"Logged in\"\r\n"
#define OK_CAPABILITY      "OK \"CAPABILITY completed\"\r\n"
#define OK_STARTTLS        "OK \"Begin TLS negotiation now\"\r\n"
#define OK_TLS             "OK \"TLS is active\"\r\n"
#define OK_NOOP            "OK \"NOOP completed\"\r\n"
#define OK_LOGOUT          "OK \"Logging out\"\r\n"
#define OK_SPACE           "OK \"There is room for it\"\r\n"
#define OK_PUT             "OK \"Script stored\"\r\n"
#define OK_WARNINGS        "OK (WARNINGS) " /* and they */
#define OK_CHECKED         "OK \"Script is valid\"\r\n"
#define OK_LIST            "OK \"LISTSCRIPTS completed\"\r\n"
#define OK_ACTIVE          "OK \"Script is active\"\r\n"
#define OK_INACTIVE        "OK \"No script is active\"\r\n"
#define OK_GET             "OK \"GETSCRIPT completed\"\r\n"
#define OK_DELETED         "OK \"Script deleted\"\r\n"
#define OK_RENAMED         "OK \"Script renamed\"\r\n"

#define NO_COMMAND         "NO \"A line begins with a command\"\r\n"
#define NO_UNKNOWN         "NO \"No such command\"\r\n"
#define NO_EARLY           "NO \"Log in first\"\r\n"
#define NO_LATE            "NO \"Not after login\"\r\n"
#define NO_ARGUMENT        "NO \"Arguments are strings in quotes, literals {N+} and numbers, with blanks in between\"\r\n"
#define NO_ARGUMENTS       "NO \"Too many arguments\"\r\n"
#define NO_NO_ARGUMENTS    "NO \"This command takes no arguments\"\r\n"
#define NO_QUOTE           "NO \"A quoted string has no end\"\r\n"
#define NO_ESCAPE          "NO \"Only quotes and backslashes stand behind a backslash\"\r\n"
#define NO_CONTROL         "NO \"A quoted string must not contain NUL or CR\"\r\n"
#define NO_UTF8            "NO \"That is not UTF-8\"\r\n"
#define NO_NAME            "NO \"That cannot be the name of a script\"\r\n"
#define NO_NOOP            "NO \"Syntax: NOOP [tag]\"\r\n"
#define NO_TAG             "NO \"Tag too long\"\r\n"
#define NO_LITERAL         "NO \"Literal too large\"\r\n"

#define NO_TLS             "NO \"TLS is not available here\"\r\n"
#define NO_TLS_ALREADY     "NO \"TLS is active already\"\r\n"
#define NO_PRIVACY         "NO (ENCRYPT-NEEDED) \"Passwords in clear need TLS first\"\r\n"
#define NO_WEAK            "NO (AUTH-TOO-WEAK) \"Passwords are not taken here, use another mechanism\"\r\n"
#define NO_REFUSED         "NO \"Login name or password is wrong\"\r\n"
#define NO_TEMPFAIL        "NO (TRYLATER) \"Passwords cannot be checked now, try again later\"\r\n"
#define NO_LIMIT           "NO (TRYLATER) \"Too many connections of this user\"\r\n"
#define NO_AUTHZID         "NO \"Nobody may act for another user here\"\r\n"
#define NO_MECHANISM       "NO \"No such authentication mechanism\"\r\n"
#define NO_CANCELLED       "NO \"Authentication cancelled\"\r\n"
#define NO_SASL_SYNTAX     "NO \"That is not what the mechanism expects\"\r\n"
#define NO_SASL_LONG       "NO \"Authentication exchange line too long\"\r\n"

#define NO_ERRORS          "NO " /* and they */
#define NO_SIZE            "NO (QUOTA/MAXSIZE) \"Script too large\"\r\n"
#define NO_SCRIPTS         "NO (QUOTA/MAXSCRIPTS) \"Too many scripts\"\r\n"
#define NO_STORAGE         "NO (QUOTA) \"Scripts take too much space together\"\r\n"
#define NO_EMPTY           "NO \"A script must not be empty\"\r\n"
#define NO_SUCH_SCRIPT     "NO (NONEXISTENT) \"There is no script by that name\"\r\n"
#define NO_EXISTS          "NO (ALREADYEXISTS) \"There is a script by that name already\"\r\n"
#define NO_DELETE          "NO (ACTIVE) \"The active script cannot be deleted\"\r\n"
#define NO_BUSY            "NO (TRYLATER) \"Another session is at work on the scripts\"\r\n"
#define NO_ROOM            "NO (QUOTA) \"There is no room on the disk\"\r\n"
#define NO_FAILED          "NO (TRYLATER) \"Scripts cannot be reached now, try again later\"\r\n"

#define BYE_ERRORS         "BYE \"Too many errors\"\r\n"
#define BYE_COMMANDS       "BYE \"Too many commands before login\"\r\n"
#define BYE_LONG           "BYE \"Line too long\"\r\n"
#define BYE_LITERAL        "BYE (QUOTA/MAXSIZE) \"Literal far too large\"\r\n"
#define BYE_FAILURES       "BYE \"Login name or password is wrong, too often\"\r\n"
#define BYE_UNAVAILABLE    "BYE (TRYLATER) \"Passwords cannot be checked now, try again later\"\r\n"
#define BYE_LOGIN          "BYE \"Login took too long\"\r\n"
#define BYE_IDLE           "BYE \"No command for too long\"\r\n"
#define BYE_SHUTDOWN       "BYE (TRYLATER) \"Server is shutting down\"\r\n"
#define BYE_NOMEM          "BYE (TRYLATER) \"Out of memory\"\r\n"
#define BYE_REFERRAL       "BYE (REFERRAL sieve://%s) \"Scripts of this user are elsewhere\"\r\n"
/* clang-format on */

/* reply.c. A string as the server sends it: quoted, or a literal where it has line ends, a NUL,
 * what is not UTF-8, or more than 1024 octets (RFC 5804 4). */
void manage_put_string(struct net *n, char const *s, size_t len);

/* RFC 5804 2.13: the OK, with the string to be given back, if there is one. */
struct manage_arg;
void manage_put_noop(struct net *n, struct manage_arg const *tag);

/* What the capabilities hold that is not the same for all. */
struct manage_capability {
	char const *sieve; /* extensions, blanks between them */
	unsigned int redirects;
	char const *sasl; /* mechanisms, blanks between them; null: not told */
	int starttls;
	char const *owner; /* null: nobody has logged in */
};
/* RFC 5804 1.7. Without the OK. */
void manage_put_capabilities(struct net *n, struct manage_capability const *c);

#endif

/* Everything imap-login says, in one place. Behind a tag: OK, NO or BAD; alone: untagged. Codes are
 * those of RFC 3501 7.1 and RFC 5530. */
#ifndef POSTERN_IMAP_LOGIN_REPLIES_H
#define POSTERN_IMAP_LOGIN_REPLIES_H

/* clang-format off */
#define SAY_READY            "postern ready"
#define SAY_CAPABILITY       "OK CAPABILITY completed"
#define SAY_NOOP             "OK NOOP completed"
#define SAY_ID               "OK ID completed"
#define SAY_LOGOUT           "OK LOGOUT completed"
#define SAY_STARTTLS         "OK Begin TLS negotiation now"
#define SAY_CONTINUE         "+ OK\r\n"

#define SAY_NO_TLS           "BAD TLS is not available here"
#define SAY_TLS_ALREADY      "BAD TLS is active already"
#define SAY_PRIVACY          "NO [PRIVACYREQUIRED] Passwords in clear need TLS first"
#define SAY_NO_PASSWORDS     "NO [CANNOT] Passwords are not taken here, use AUTHENTICATE"
#define SAY_REFUSED          "NO [AUTHENTICATIONFAILED] Login name or password is wrong"
#define SAY_TEMPFAIL         "NO [UNAVAILABLE] Passwords cannot be checked now, try again later"
#define SAY_LIMIT            "NO [LIMIT] Too many connections of this user"
#define SAY_AUTHZID          "NO [AUTHORIZATIONFAILED] Nobody may act for another user here"
#define SAY_NO_MECHANISM     "NO No such authentication mechanism"
#define SAY_CANCELLED        "BAD Authentication cancelled"
#define SAY_SASL_SYNTAX      "BAD That is not what the mechanism expects"
#define SAY_SASL_LONG        "BAD Authentication exchange line too long"

#define SAY_UNKNOWN          "BAD No such command before login"
#define SAY_NUL              "BAD A command must not contain NUL"
#define SAY_TOO_LONG         "BAD [TOOBIG] Command line too long"
#define SAY_LITERAL          "NO [TOOBIG] Literal too large"
#define SAY_NO_LITERAL       "BAD No literal belongs there"
#define SAY_NO_TAG           "BAD A command begins with a tag"
#define SAY_NO_ARGS          "BAD This command takes no arguments"
#define SAY_LOGIN            "BAD Syntax: LOGIN userid password"
#define SAY_AUTHENTICATE     "BAD Syntax: AUTHENTICATE mechanism [initial-response]"
#define SAY_ID_SYNTAX        "BAD Syntax: ID NIL or ID (name value ...)"

#define BYE_LOGOUT           "* BYE Logging out\r\n"
#define BYE_SHUTDOWN         "* BYE Server is shutting down\r\n"
#define BYE_TIMEOUT          "* BYE Login took too long\r\n"
#define BYE_ERRORS           "* BYE Too many errors\r\n"
#define BYE_COMMANDS         "* BYE Too many commands before login\r\n"
#define BYE_FAILURES         "* BYE Too many refused logins\r\n"
#define BYE_LITERAL          "* BYE [TOOBIG] Literal too large\r\n"
#define BYE_UNAVAILABLE      "* BYE [UNAVAILABLE] Try again later\r\n"
#define BYE_NOMEM            "* BYE [UNAVAILABLE] Out of memory\r\n"
/* clang-format on */

#endif

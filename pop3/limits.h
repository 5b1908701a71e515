/* The limits of pop3-login and pop3; each has its own reply (pop3/replies.h). */
#ifndef POSTERN_POP3_LIMITS_H
#define POSTERN_POP3_LIMITS_H

/* RFC 2449 4 promises 255 octets a command; a base64 line may be longer. */
#define POP3_LINE_MAX 2112
/* A session's commands are short. */
#define POP3_COMMAND_MAX 512
#define POP3_LOGIN_ERRORS_MAX 10
#define POP3_ERRORS_MAX 100
/* Connections of one login (etc/pop3-user-connections). */
#define POP3_USER_CONNECTIONS 20
/* Seconds from the greeting to a login (etc/login-timeout). */
#define POP3_LOGIN_SECONDS 180
/* RFC 1939 3: at least ten minutes from one command to the next (etc/pop3-timeout); the same for
 * the client to take each reply. */
#define POP3_IDLE_SECONDS 600
/* What a slow line must carry: octets a second, on top of the idle time, to a day at most. */
#define POP3_RATE_MIN 512
#define POP3_SEND_MAX 86400
/* Seconds for the client to take our last words. */
#define POP3_FINISH_SECONDS 3

#endif

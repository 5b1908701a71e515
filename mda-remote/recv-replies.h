/* Every reply of spool-recv (RFC 5321 4.2, RFC 3463). The free text of 2xx lines is its own. */
#ifndef POSTERN_MDA_REMOTE_RECV_REPLIES_H
#define POSTERN_MDA_REMOTE_RECV_REPLIES_H

#define R_DONE "250 2.0.0 Ok"
#define R_SENDER_OK "250 2.1.0 Sender ok"
#define R_RCPT_OK "250 2.1.5 Recipient ok"
#define R_CHUNK_OK "250 2.0.0 Chunk received"
#define R_GO "354 End data with <CR><LF>.<CR><LF>"
#define R_BYE "221 2.0.0 Bye"
#define R_VRFY "252 2.5.0 Cannot verify, send a message"
#define R_TIMEOUT "421 4.4.2 Timeout"
#define R_ERRORS "421 4.7.0 Too many errors"
#define R_NOSPACE "452 4.3.1 Insufficient space in the spool"
#define R_WRITE "451 4.3.0 Spool write failed"
#define R_RCPTS "452 4.5.3 Too many recipients"
#define R_NUL_OCTET "554 5.6.0 NUL octet in the message (RFC 5321 4.5.2)"
#define R_SIZE "552 5.3.4 Message too large"
#define R_UNKNOWN "500 5.5.1 Command unrecognized"
#define R_LONG "500 5.5.2 Line too long"
#define R_NUL "500 5.5.2 Line holds a control character"
#define R_SYNTAX "501 5.5.4 Syntax: "
#define R_ORDER "503 5.5.1 Bad sequence of commands"
#define R_NO_RCPT "503 5.5.1 No valid recipients"
#define R_NO_DOMAIN "550 5.1.3 A domain is needed to send it on"

#endif

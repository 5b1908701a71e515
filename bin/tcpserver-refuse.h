/* What tcpserver tells a connection that is one too many of its address. */
#ifndef POSTERN_TCPSERVER_REFUSE_H
#define POSTERN_TCPSERVER_REFUSE_H

/* Tells it, as far as that needs no waiting: text is a line without its end, or "tls" for a client
 * that expects TLS; null: nothing. fd stays open. */
void tcpserver_refuse(int fd, char const *text);

#endif

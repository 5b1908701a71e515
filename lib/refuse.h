/* What a server tells a connection that is one too many of its address. */
#ifndef POSTERN_REFUSE_H
#define POSTERN_REFUSE_H

/* Tells it, as far as that needs no waiting: text is a line without its end, or "tls" for a client
 * that expects TLS; null: nothing. fd stays open. */
void refuse_client(int fd, char const *text);

#endif

/* UCSPI-TLS, the application's side: how a server starts TLS on the connection it has.
 *
 * The launcher (ucspitlsd, s6-ucspitlsd) names three descriptors in SSLCTLFD, SSLREADFD and
 * SSLWRITEFD. One process does the handshake with the launcher; where a login program is a pair,
 * the other process follows with ucspitls_adopt. doc/tls.md has the protocol.
 *
 *     ucspitls_init();                              first thing in main
 *     if (ucspitls_available()) announce STARTTLS
 *     net_puts(n, "220 ready\r\n"); net_flush(n);
 *     if (ucspitls_start(n) < 0) close and exit     never answer in clear any more
 */
#ifndef POSTERN_UCSPITLS_H
#define POSTERN_UCSPITLS_H

#include <stddef.h>

#include "lib/net.h"

/* The longest reply of the launcher, in bytes, and the seconds that it may take: a little more than
 * an engine allows for the handshake. */
#define UCSPITLS_REPLY_MAX 8192
#define UCSPITLS_SECONDS 60

/* Takes the three descriptors: sets close-on-exec on them (a child that kept SSLCTLFD would keep
 * the TCP connection open) and unsets the three variables, as well as those that belong to the
 * launcher (KEYFILE, CERTFILE and their :NAME forms, CADIR, CAFILE, TLS_UID, TLS_GID, TLS_ENGINE,
 * TLS_TICKETS, TLS_ALPN, TLS_CIPHERS). Without all three, or if one is no open descriptor, TLS is
 * not available; where it is, the SSL_* of a reply that has not come yet are unset. Returns
 * ucspitls_available(). */
int ucspitls_init(void);

/* Instead of ucspitls_init, where no launcher stands in front: TLS can be started by asking the key
 * holder at that socket (doc/tls.md); null or "": it cannot. The environment is cleaned as there.
 * The strings, for the holder's log, must stay. Returns ucspitls_available(). */
int ucspitls_init_holder(char const *path, char const *id, char const *ip);

/* After ucspitls_init_holder: hands the connection (descriptors 0 and 1) over; without that
 * ucspitls_start could not do it, and nothing happens where there is a launcher. at_once: the
 * handshake may begin; else ucspitls_ask begins it, as with a launcher. 0, or -1 and errno: no TLS
 * now. */
int ucspitls_hand_over(int at_once);

/* 1 while TLS can still be started on this connection. */
int ucspitls_available(void);

/* 1 once the connection is encrypted: by ucspitls_start or ucspitls_adopt, or by a launcher that
 * did it before this program began (SSL_PROTOCOL is set). */
int ucspitls_active(void);

/* Starts TLS (RFC 3207 section 4, RFC 2595 section 4). The caller has sent and flushed its 220, OK
 * or +OK line. Drops buffered input: what came in clear behind the command is an injection.
 * Afterwards the numbers n->fd_in and n->fd_out are the plaintext descriptors, non-blocking like
 * before, and the SSL_* variables are in the environment. n's own deadline stays as it was. The two
 * numbers must differ (EINVAL), as 0 and 1 do.
 * 0, or -1 with errno: TLS failed (EPROTO: launcher or handshake failed; ETIMEDOUT); then the
 * connection is in an undefined state and can only be closed. */
int ucspitls_start(struct net *n);

/* The launcher's answer after a successful start, for the other process of a pair: strings
 * NAME=value or NAME (unset), each with its NUL. *len counts all of it. */
char const *ucspitls_reply(size_t *len);

/* The two halves of a start, for the process of a pair that holds SSLCTLFD alone: the command, and
 * the reply as ucspitls_reply has it. 0, or -1 with errno as ucspitls_start. */
int ucspitls_ask(int fd_control);
int ucspitls_answer(
    int fd_control, char reply[static UCSPITLS_REPLY_MAX], size_t *len, tain const *deadline);

/* The other process of a pair, after its partner has started TLS: puts the partner's reply (taken
 * from it as untrusted bytes: only the SSL_* names that it knows are used, EPROTO if it is no such
 * list) into the environment and makes fd_in and fd_out the plaintext descriptors; closes the rest.
 * 0 or -1. */
int ucspitls_adopt(int fd_in, int fd_out, char const *reply, size_t len);

/* For launchers: removes from the environment what no program behind them may see. */
void ucspitls_hide(void);
/* For launchers: puts a reply (len without the NUL that ends the list) into the environment; only
 * the SSL_* names that it knows are used. 0, or -1 with errno (EPROTO: no such list). */
int ucspitls_setenv(char const *reply, size_t len);

/* The descriptors that are kept for a later start, into fds: their number, 0 or 3. For a process
 * that closes all it does not know. */
size_t ucspitls_fds(int fds[static 3]);

/* Declines: closes the three descriptors. Before waiting for a child that has the connection, and
 * in every child that does not need them. Nothing happens if there are none. */
void ucspitls_close(void);

#endif

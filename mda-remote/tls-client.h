/* TLS on a connection to a server, in a process of its own: what a hostile peer sends is decrypted
 * where there is no message and no spool. The only file of mda-remote that uses OpenSSL. */
#ifndef POSTERN_MDA_REMOTE_TLS_CLIENT_H
#define POSTERN_MDA_REMOTE_TLS_CLIENT_H

struct tls_client {
	char protocol[16], cipher[64]; /* of a connection that stands */
	char why[200];		       /* of one that does not */
};

/* Reads what verifying needs (the system's CA certificates, or the file `ca`) before files are out
 * of reach. verify 0: nothing is read. 0, or -1 with the reason in why. */
int tls_client_prepare(struct tls_client *t, int verify, char const *ca);

/* Makes the handshake on fd (non-blocking; nothing may be buffered) as client of `host`, whose name
 * the certificate must bear if verify was set, within `seconds`. The plaintext's descriptor
 * (blocking), or -1 with the reason in why. fd is closed in either case. */
int tls_client_start(struct tls_client *t, int fd, char const *host, unsigned int seconds);

#endif

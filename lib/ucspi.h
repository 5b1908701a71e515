/* Who is at the other end, whatever started us: s6-tcpserver, tcpserver, tcpsvd, inetd, systemd
 * Accept=yes, s6-ipcserver, a shell. Called once, before any descriptor is moved. */
#ifndef POSTERN_UCSPI_H
#define POSTERN_UCSPI_H

#include <stdint.h>
#include <sys/types.h>

#define UCSPI_IPMAX 46

struct ucspi {
	enum ucspi_kind {
		UCSPI_UNKNOWN, /* pipe, terminal: no address policy, never trusted */
		UCSPI_TCP,
		UCSPI_UNIX, /* Unix socket: euid and egid are the peer's */
	} kind;
	/* Text, IPv4-mapped addresses as plain IPv4, lower case, no scope; "" when unknown. */
	char remote_ip[UCSPI_IPMAX], local_ip[UCSPI_IPMAX];
	uint16_t remote_port, local_port;
	/* The same remote address in network order: 4 or 16 bytes, 0 when unknown. */
	unsigned char remote_addr[16];
	unsigned int remote_len;
	uid_t euid;
	gid_t egid;
};

/* Fills u and makes the environment canonical: PROTO=TCP with TCP{REMOTE,LOCAL}{IP,PORT} (or
 * PROTO=IPC with IPCREMOTEEUID and IPCREMOTEEGID), foreign families (TCP6*, REMOTE_ADDR, LISTEN_*)
 * unset, descriptors passed by LISTEN_FDS close-on-exec. A remote address in the environment counts
 * before that of descriptor 0; where the two differ (a PROXY wrapper is in front) the local one
 * does, too. */
void ucspi_init(struct ucspi *u);
/* The peer is on this host: 127/8, ::1 or a Unix socket. */
int ucspi_is_loopback(struct ucspi const *u);
/* Parses a text address into 4 or 16 bytes (mapped IPv6 becomes IPv4); its length, 0 if it is none. */
unsigned int ucspi_scan(char const *text, unsigned char addr[static 16]);
/* Parses "ADDRESS/BITS" or "ADDRESS": the address's length, 0 if it is neither. */
unsigned int ucspi_scan_network(char const *network, unsigned char net[static 16], unsigned int *bits);
/* The remote address's network, /24 or /64, as text ("192.0.2.0/24"); "" when it is unknown. */
#define UCSPI_NETMAX (UCSPI_IPMAX + 3)
void ucspi_network(struct ucspi const *u, char network[static UCSPI_NETMAX]);
/* 1 if addr lies in "ADDRESS/BITS" or equals "ADDRESS"; 0 if not or the pattern is malformed. */
int ucspi_in_network(unsigned char const *addr, unsigned int len, char const *network);

#endif

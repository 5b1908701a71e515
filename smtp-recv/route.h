/* Who gets a recipient: the tables domains, relay-domains and relay-recipients, and the right to
 * relay. */
#ifndef SMTP_RECV_ROUTE_H
#define SMTP_RECV_ROUTE_H

#include "lib/arena.h"
#include "lib/smtp-envelope.h"
#include "smtp-recv/replies.h"

enum route_kind {
	ROUTE_LOCAL, /* mda-local */
	ROUTE_LMTP,  /* a server of its own */
	ROUTE_SPOOL,
	ROUTE_CALLOUT, /* the spool, if the domain's own server takes the recipient */
	ROUTE_REFUSED,
};

struct route {
	enum route_kind kind;
	char const *target; /* ROUTE_LMTP: socket path or ADDRESS:PORT, in the arena */
	enum reply refusal; /* ROUTE_REFUSED */
};

struct route_context {
	char const *me;
	char const *local_ip;	 /* of this connection, "" unknown */
	char const *relayclient; /* what is appended to the recipient, null nothing */
	char const *separators;	 /* between user and subaddress */
	int may_relay;
};

/* Decides, and changes *to where the address is written anew: <postmaster>, our own address
 * literal, RELAYCLIENT, a domain that is an alias of one with an LMTP server. */
struct route route_find(struct arena *a, struct route_context const *c, struct smtp_path *to);

/* Behind a look-up that failed: 451 where a directory does not answer; else the session ends with
 * 421, as a table that was replaced is out of this process's reach. */
enum reply route_failure(void);

/* The domain as tables have it: A-labels, lower case, in the arena; null if it cannot be one. */
char const *route_domain(struct arena *a, char const *domain);

/* 1 if domain (as tables have it) is local, with its value in *value; 0 not; -1 the table cannot be
 * read. Aliases are followed: *canonical is the last domain. Both in the arena. */
int route_is_local(struct arena *a, char const *domain, char const **value, char const **canonical);

#endif

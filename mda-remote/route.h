/* Where a recipient's mail goes next: etc/domains, etc/routes and etc/sender-routes. */
#ifndef POSTERN_MDA_REMOTE_ROUTE_H
#define POSTERN_MDA_REMOTE_ROUTE_H

#include <stdint.h>
#include <skalibs/stralloc.h>

#include "lib/smtp-envelope.h"
#include "mda-remote/policy.h"

struct route {
	enum route_kind {
		ROUTE_MX = 'x',	       /* MX look-up of name */
		ROUTE_HOST = 'h',      /* address look-up of name, or name is an address */
		ROUTE_LMTP = 'l',      /* the Unix socket `name` */
		ROUTE_LMTP_HOST = 'L', /* LMTP over TCP */
	} kind;
	char name[256];
	uint16_t port; /* 0: the setting smtp-port */
	struct tls_rule tls;
	int tls_given;	    /* by a word, etc/tls-policy or the message: MTA-STS is not asked */
	int require;	    /* REQUIRETLS: the server must offer it, and its name must be sure */
	int wrap;	    /* TLS from the first octet (RFC 8314 3.3) */
	int family;	    /* 4 or 6: no other addresses; 0 both */
	int also_local;	    /* it holds for the domains of etc/domains too */
	char source[2][46]; /* to connect from, IPv4 and IPv6; "": the setting remote-source */
	char auth[64];	    /* etc/auth/NAME; "" none */
};

/* Parses a value of etc/routes (or the lmtp: value of etc/domains). An empty one is ROUTE_MX of
 * `domain`. 0, or -1. */
int route_parse(char const *value, char const *domain, struct route *r);
/* The way to a recipient's domain (A-labels, lower case, "" for none), of a message with this
 * sender and login. In this order: etc/domains, unless the route says also-local; etc/routes for the
 * domain and for its parents; etc/sender-routes for the login, the sender, the sender's domain;
 * etc/routes for "*"; MX. 0; -1 with *why when a table cannot be read or says nonsense: to be tried
 * again. */
int route_find(
    char const *domain, struct smtp_mail const *mail, struct route *r, char const **why);
/* Makes it the way of a message with REQUIRETLS, or of one that says TLS-Required: No (RFC 8689 4.2):
 * the latter passes over what the recipient's domain asks, not over what our own settings ask. */
void route_require(struct route *r, int required, int optional);
/* 1 if the TLSA records of its hosts are to be looked up. */
int route_dane(struct route const *r);
/* One word that is the same for all recipients that can share a connection. */
void route_key(stralloc *key, struct route const *r);

#endif

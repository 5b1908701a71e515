/* mda-remote-dns: the look-ups that one question of mda-remote takes. */
#ifndef POSTERN_MDA_REMOTE_DNS_H
#define POSTERN_MDA_REMOTE_DNS_H

#include <skalibs/stralloc.h>
#include <skalibs/tai.h>

#include "mda-remote/mx.h"

struct ub_ctx;
struct ub_result;

#define DNS_CLASS_IN 1
enum { DNS_A = 1, DNS_NS = 2, DNS_CNAME = 5, DNS_MX = 15, DNS_TXT = 16, DNS_AAAA = 28, DNS_TLSA = 52 };

struct question {
	unsigned int number;  /* mda-remote's */
	unsigned int port;    /* of the TLSA records; 0: they are not wanted */
	unsigned int pending; /* look-ups not yet answered */
	size_t tlsa_text;     /* bytes of TLSA records so far */
	tain deadline;
	int answered; /* what still comes in is dropped */
	struct question *next, **link;
	char name[DNS_NAME_MAX];
	stralloc text; /* lines "x TEXT" */
	struct dns_host {
		unsigned int waiting;	     /* address look-ups */
		char expanded[DNS_NAME_MAX]; /* "" if the name is no alias */
	} host[DNS_MX_MAX];
	struct mx_answer a; /* records are malloc'd */
};
/* One look-up for one host. */
struct lookup {
	struct question *q;
	unsigned int host;
	char base[DNS_NAME_MAX]; /* of TLSA: the candidate */
};

/* Set up by main. */
extern struct ub_ctx *dns_ctx;
extern int dns_validating; /* there is a trust anchor */

/* ---- dns.c ---- */

/* A look-up of q has come in; answers q when it was the last. */
void dns_release(struct question *q);
/* What the answer amounts to; one that failed leaves its reason with q. */
enum dns_status dns_status_of(struct question *q, int error, struct ub_result const *r);
/* The name that an alias leads to, lower case without the final dot; "" if r's name is none. */
void dns_expanded(char to[static DNS_NAME_MAX], struct ub_result const *r);
/* 1 if it may be the name of a host. */
int dns_host_name(char const *s);

/* ---- dns-hosts.c ---- */

/* Asks for q's mail exchangers, or for the addresses of q's name. */
void dns_ask_mx(struct question *q);
void dns_ask_host(struct question *q);

/* ---- dns-txt.c ---- */

/* Asks for the TXT records of q's name. */
void dns_ask_txt(struct question *q);

/* ---- dns-tlsa.c (RFC 7672 2.2.2, 2.2.3) ---- */

/* 1 if the host's addresses allow that it has TLSA records which count. */
int dns_tlsa_wanted(struct question const *q, unsigned int host);
/* The addresses of this host are in: looks for its TLSA records if they are wanted. */
void dns_ask_tlsa(struct question *q, unsigned int host);

#endif

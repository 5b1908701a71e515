/* What is to be asked of TLS with one host: from the lines of mda-remote's first packet. Pure. */
#ifndef POSTERN_MDA_REMOTE_SEND_POLICY_H
#define POSTERN_MDA_REMOTE_SEND_POLICY_H

#include "mda-remote/limits.h"
#include "mda-remote/route.h"
#include "mda-remote/tls-client.h"
#include "mda-remote/tlsa.h"

struct send_policy {
	enum route_tls tls;
	struct send_dane {
		char *host, *base;
		struct tlsa record[DNS_TLSA_MAX];
		unsigned int records;
	} dane[DNS_MX_MAX];
	unsigned int danes;
	char *domain[SEND_NAMES_MAX], *name[SEND_NAMES_MAX]; /* lines n, v */
	unsigned int domains, names;
	char *digest[SEND_NAMES_MAX]; /* lines f */
	unsigned int digests, min;    /* least version of TLS, 10 to 13; 0 the usual */
	int authentic;	/* the hosts' names are */
	int require;	/* REQUIRETLS (RFC 8689 4.2.1) */
	int incomplete; /* there are other hosts, which cannot be used for now */
};

/* Takes one line of the packet. 1, or 0 if it is none of these. Strings are copied. */
int policy_line(struct send_policy *p, char letter, char const *value);
/* 1 if a certificate may have to be verified by a known CA. */
int policy_pkix(struct send_policy const *p);

struct tls_need {
	int must;		  /* else in clear where TLS cannot be had */
	char const *refused;	  /* not to this host: the type of RFC 8460 4.3; else null */
	char const *policy;	  /* for reports: "tlsa", "sts" or "none" */
	struct tls_expect expect; /* points into the policy */
};
void policy_need(struct tls_need *n, struct send_policy const *p, char const *host);

#endif

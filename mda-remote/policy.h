/* What TLS a connection must have: a route's words, etc/tls-policy, and what DANE or MTA-STS make
 * of a host. All but tls_policy_find is pure. */
#ifndef POSTERN_MDA_REMOTE_POLICY_H
#define POSTERN_MDA_REMOTE_POLICY_H

#include <stddef.h>
#include <skalibs/stralloc.h>

#include "mda-remote/limits.h"

/* What a destination asks of TLS; the same letters stand in smtp-send's first packet. */
enum route_tls {
	TLS_NO = 'n',
	TLS_MAY = 'm',	/* opportunistic, any certificate, no DANE */
	TLS_DANE = 'd', /* opportunistic, and DANE where the host has TLSA records (RFC 7672) */
	TLS_DANE_ONLY = 'D',   /* DANE, or the mail waits (RFC 7672 6) */
	TLS_ENCRYPT = 'e',     /* TLS, any certificate */
	TLS_MUST = 'M',	       /* a certificate of a known CA for the host's name */
	TLS_SECURE = 'c',      /* a certificate of a known CA for one of `names` */
	TLS_FINGERPRINT = 'f', /* a certificate, or its key, with one of these SHA-256 digests */
	TLS_STS = 'S', /* DANE where the host has TLSA records, else as TLS_MUST (RFC 8461 2) */
	TLS_STS_TEST = 's', /* the same, but a failure is only reported (RFC 8461 5) */
	TLS_REQUIRE = 'R',  /* the least that REQUIRETLS asks (RFC 8689 4.2.1) */
};

struct tls_rule {
	enum route_tls level;
	unsigned int min;	   /* 10 to 13: least TLS version; 0 the usual */
	char names[TLS_NAMES_MAX]; /* joined by ':'; ".parent" is any name below it; or digests */
};

/* One word: a level (no, may, must, encrypt, dane, dane-only, secure) or match=NAMES,
 * fingerprint=DIGESTS (which is a level), min=VERSION. 0; -1 it is none, or does not fit. */
int tls_rule_word(struct tls_rule *r, char const *s, size_t n);
/* The words fit one another. TLS_SECURE without names gets those of `domain`: itself and all below.
 * 0 or -1. */
int tls_rule_finish(struct tls_rule *r, char const *domain);
/* A value of etc/tls-policy. 0 or -1. */
int tls_rule_parse(struct tls_rule *r, char const *value, char const *domain);

/* Lines for smtp-send's first packet (smtp-send.c says what they mean). */
void tls_rule_lines(stralloc *packet, struct tls_rule const *r);

/* The rule of etc/tls-policy for the domain (or host) that a route leads to: its own, ".parent" for
 * each of its parents, "*". 1; 0 none, then *r is untouched; -1 the table cannot be read or has a
 * bad value. */
int tls_policy_find(char const *domain, struct tls_rule *r);

#endif

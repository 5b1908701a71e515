/* Mail exchangers of a domain, put in the order in which they are tried. Pure. */
#ifndef POSTERN_MDA_REMOTE_MX_H
#define POSTERN_MDA_REMOTE_MX_H

#include <stdint.h>

#include "mda-remote/limits.h"

/* What the DNS said of a whole domain, or of one host. */
enum dns_status {
	DNS_OK = 'o',
	DNS_NONE = 'n',	    /* the name exists, without addresses */
	DNS_NXDOMAIN = 'x', /* no such name */
	DNS_NULL = '0',	    /* a null MX: takes no mail (RFC 7505) */
	DNS_FAILED = 'f',   /* no answer, or an error, for now */
	DNS_BOGUS = 'b',    /* DNSSEC says that the answer is forged */
};

struct mx_host {
	uint16_t preference;
	uint32_t random;	/* orders equals */
	int secure;		/* its addresses were validated */
	enum dns_status status; /* of its address look-ups */
	char name[DNS_NAME_MAX];
	unsigned int count;
	char address[DNS_ADDRESSES_MAX][46];
	/* RFC 7672 2.2.3: DNS_OK a validated TLSA set; DNS_NONE there is none, or none that counts;
	 * DNS_FAILED, DNS_BOGUS it could not be had: no mail to this host. */
	enum dns_status tlsa;
	char base[DNS_NAME_MAX]; /* the name whose records they are */
	unsigned int records;
	char const *record[DNS_TLSA_MAX]; /* "USAGE SELECTOR MATCHING HEX", in the packet parsed */
};

struct mx_answer {
	enum dns_status status; /* of the domain */
	int secure;		/* the MX set, or that there is none, was validated */
	char expanded[DNS_NAME_MAX]; /* the domain, if it is an alias, validated; else "" */
	char why[DNS_WHY_MAX];	     /* of a look-up that failed; "" if none did */
	unsigned int count;
	struct mx_host host[DNS_MX_MAX];
};

/* Sorts by preference, equals at random (RFC 5321 5.1). If `me` (or localhost) is among them, it
 * and all that are not preferred to it go: mail would loop (an empty `me` looks for none). Hosts
 * without address go too. Returns how many remain; *loop is 1 when `me` was among them. Names are
 * compared without case. */
unsigned int mx_order(struct mx_answer *a, char const *me, int *loop);

/* Addresses in the order in which they are tried: the families take turns within one preference,
 * the first being that of the first host (IPv6 if it has one), so that neither a host nor a family
 * that does not answer is waited for (RFC 8305 4). family: 0 both, 4 or 6. */
struct mx_address {
	struct mx_host const *host;
	char const *ip;
	unsigned int rank; /* the same for hosts of one preference */
};
/* Fills out[0..max): their number. */
unsigned int mx_addresses(
    struct mx_host const *h, unsigned int n, int family, struct mx_address *out, unsigned int max);

/* Takes the addresses from hosts whose TLSA records could not be had, so that mx_order drops them
 * (RFC 7672 2.2). How many. */
unsigned int mx_drop_unsafe(struct mx_answer *a);

/* The child's packet behind its number: lines "s STATUS SECURE", "c EXPANDED", "w WHY", and for each
 * host "m PREFERENCE STATUS SECURE NAME", "a ADDRESS", "t STATUS BASE", "d TLSA". 0, or -1 if it is
 * malformed. */
int mx_parse(struct mx_answer *a, char *s);

#endif

/* A stub resolver for programs that live as long as a connection: a set of questions is asked at
 * once, over one connected UDP socket from a random port, each with a random id; what comes back
 * truncated is asked again over one TCP connection. Nothing is opened before the first question is
 * sent. One absolute deadline holds for all of a set. No cache: that is the resolver's business.
 *
 * The resolver is named by etc/resolver (lines ADDRESS or ADDRESS@PORT), else by resolv.conf. */
#ifndef POSTERN_DNS_H
#define POSTERN_DNS_H

#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>
#include <skalibs/tai.h>

#include "lib/arena.h"

#define DNS_NAME_TEXT 256	/* a name as text, with its NUL: at most 253 octets (RFC 1035 3.1) */
#define DNS_SERVERS_MAX 3	/* resolvers that are asked in turn; as resolv.conf has it */
#define DNS_QUESTIONS_MAX 128	/* of one set */
#define DNS_RECORDS_MAX 256	/* of one answer: what is behind them is not looked at */
#define DNS_ALIASES_MAX 8	/* CNAME records that follow each other in an answer */
#define DNS_TEXT_MAX 255	/* octets of a TXT record that are kept */
#define DNS_UDP_OCTETS 1232	/* of an answer over UDP (EDNS, RFC 6891 6.2.5): no fragments */
#define DNS_QUERY_MAX (12 + 255 + 4 + 11)
#define DNS_FIRST_WAIT 1000	/* milliseconds until a question is asked again; doubled each time */
#define DNS_LATE_WAIT 2000	/* milliseconds that dns_wait has at least */
#define DNS_TCP_WAIT 20		/* milliseconds until a connection that is being made is looked at */

enum dns_type {
	DNS_TYPE_A = 1,
	DNS_TYPE_CNAME = 5,
	DNS_TYPE_PTR = 12,
	DNS_TYPE_MX = 15,
	DNS_TYPE_TXT = 16,
	DNS_TYPE_AAAA = 28,
};

enum dns_result {
	DNS_WAITING,
	DNS_FOUND,
	DNS_NO_NAME, /* NXDOMAIN */
	DNS_NO_DATA, /* the name has no such record */
	DNS_TEMP,    /* no answer in time, or SERVFAIL, REFUSED ... from every resolver */
	DNS_RESULTS,
};

/* By type: A, AAAA: data is the address (4 or 16 octets). PTR, MX: the name as text, without a dot
 * at its end ("" is the root); what no host name may hold stands there as \DDD or \X. TXT: the
 * strings joined, printable ASCII only (others are '?'), at most DNS_TEXT_MAX. */
struct dns_record {
	unsigned int preference; /* of MX */
	size_t len;
	char const *data; /* with a NUL behind it */
};

struct dns_question {
	char name[DNS_NAME_TEXT];
	uint16_t type, id;
	enum dns_result result;
	unsigned int count;
	struct dns_record *record; /* in the order of the answer, in the set's arena */
	/* Private to dns.c. */
	unsigned int failures; /* servers that cannot answer */
	int sent, tcp;
	int plain; /* without EDNS: a server does not know it */
};

/* ---- dns-packet.c: bytes only ---- */

/* 1 if s can be asked for: labels of 1 to 63 octets of letters, digits, '-' and '_', at most 253
 * octets in all; a dot at the end is allowed. */
int dns_name_ok(char const *s);
/* The question in wire form (RFC 1035 4.1), recursion desired, EDNS with DNS_UDP_OCTETS unless
 * plain: its length. q->name must be dns_name_ok. */
size_t dns_query(struct dns_question const *q, unsigned char packet[static DNS_QUERY_MAX]);

enum dns_verdict {
	DNS_FOREIGN,   /* not the answer to this question, or not one at all: to be ignored */
	DNS_ANSWERED,  /* q->result and its records are set */
	DNS_TRUNCATED, /* to be asked again over TCP */
	DNS_OLD,       /* this server knows no EDNS (RFC 6891 7) */
	DNS_REFUSED,   /* this server cannot tell */
};
/* Takes apart what came; id, question, class and type must be q's. CNAME records are followed within
 * the answer. */
enum dns_verdict dns_parse(
    struct dns_question *q, struct arena *a, unsigned char const *packet, size_t len);
/* The name under which an address is found below zone (RFC 1035 3.5, RFC 3596 2.5, RFC 5782 2):
 * "4.3.2.1.zone", for 16 octets their nibbles. 0, or -1 if it is too long. */
int dns_reverse_name(char name[static DNS_NAME_TEXT], unsigned char const *addr, unsigned int len,
    char const *zone);
/* "in-addr.arpa" or "ip6.arpa". */
char const *dns_reverse_zone(unsigned int len);

/* ---- dns-servers.c ---- */

struct dns_server {
	unsigned char addr[16];
	unsigned int len; /* 4 or 16 */
	uint16_t port;
	uint32_t scope; /* interface of a link-local address */
};
struct dns_servers {
	unsigned int count; /* at least 1 */
	struct dns_server one[DNS_SERVERS_MAX];
};
/* Reads the setting or resolv.conf; without either 127.0.0.1. A bad setting is exit 100. Before the
 * sandbox. */
void dns_servers_read(struct dns_servers *s);

/* ---- dns.c: asking ---- */

struct dns_set {
	struct dns_servers const *servers;
	struct arena arena;
	struct dns_question *question[DNS_QUESTIONS_MAX];
	unsigned int count;
	tain deadline;
	/* Private. */
	unsigned int server; /* asked now */
	unsigned int wait;   /* milliseconds until the next try */
	tain again;	     /* when that is */
	int udp, tcp;	     /* -1: none */
	stralloc tcp_out, tcp_in;
};

/* Without a question there is nothing to release. */
void dns_set_init(struct dns_set *d, struct dns_servers const *servers);
/* Adds a question: what was asked already is the same question. Null if the name is not
 * dns_name_ok or there are DNS_QUESTIONS_MAX; nothing is sent yet. It lives until dns_set_clear. */
struct dns_question *dns_add(struct dns_set *d, char const *name, enum dns_type type);
/* Sends what was added since; all of it must be answered within this many milliseconds from now,
 * and what waits already too. */
void dns_send(struct dns_set *d, unsigned int milliseconds);
/* Takes what has come, asks again what is late; never waits. 1: nothing is waiting any more, 0. */
int dns_step(struct dns_set *d);
/* For a loop with other descriptors: those to be polled for input (-1 none), and when dns_step is
 * to be called at the latest. */
void dns_watch(struct dns_set const *d, int fd[static 2], tain *when);
/* Steps until nothing is waiting: at the deadline it is all answered, or DNS_TEMP. Where that has
 * passed while nobody looked, what has got lost is asked again, for DNS_LATE_WAIT. */
void dns_wait(struct dns_set *d);
/* Closes the sockets and forgets all questions. */
void dns_set_clear(struct dns_set *d);

#endif

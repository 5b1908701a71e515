/* The door: what is asked of a stranger before its mail is taken (doc/door.md). Each check has a
 * setting with a level. What they find is the reply to RCPT, so that mail to postmaster and abuse
 * passes (RFC 5321 4.5.1); only who talks before the greeting is refused there.
 *
 * Never asked: trusted clients (session_trusted), who has authenticated, submission, this host. */
#ifndef SMTP_RECV_DOOR_H
#define SMTP_RECV_DOOR_H

#include <stddef.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/dns.h"
#include "smtp-recv/replies.h"

struct session;
struct smtp_path;

enum door_check {
	DOOR_HELO_NAME,
	DOOR_HELO_BARE,
	DOOR_HELO_OWN,
	DOOR_HELO_LITERAL,
	DOOR_PTR,
	DOOR_NAME,
	DOOR_HELO_DNS,
	DOOR_SENDER,
	DOOR_DNSBL,
	DOOR_CHECKS,
};

enum door_level {
	DOOR_OFF,
	DOOR_LOG,
	DOOR_DEFER,  /* 450 */
	DOOR_REFUSE, /* 550 */
};

struct dnsbl_zone {
	char const *name;
	int weight;	      /* below 0: a list of good ones */
	int of_sender;	      /* the sender's domain is looked up, not the client's address */
	uint32_t octet[4][8]; /* answers that count: a bit for each value of each octet */
};

struct door_settings {
	enum door_level level[DOOR_CHECKS];
	unsigned int pregreet; /* milliseconds before the greeting */
	unsigned int dns_ms;   /* for the answers of one step */
	int reverse;	       /* the client's name is looked up */
	struct dns_servers servers;
	struct dnsbl_zone *zones;
	size_t zones_count;
	int threshold;
};

/* Reads the settings; filters: there are any, who want to know the client's name. service: as
 * struct settings has it. A bad one is exit 100. */
void door_settings_read(struct door_settings *d, char const *service, int filters);
/* door-dnsbl.c: the lines of etc/dnsbl. */
void dnsbl_read(struct door_settings *d);
/* One of them, whose name is then in a: 0; -1 with *why: it is bad. */
int dnsbl_parse(struct arena *a, char const *line, struct dnsbl_zone *z, char const **why);

enum client_status {
	CLIENT_UNASKED, /* not looked up */
	CLIENT_OK,	/* name has this address */
	CLIENT_NONE,	/* there is no name */
	CLIENT_FORGED,	/* the name does not have this address */
	CLIENT_TEMP,	/* no answer */
};

struct door {
	struct dns_set reverse, lists, mail; /* the client's name, its address in lists, of a message */
	enum client_status status;
	int confirming;		  /* the names are known, their addresses are asked for */
	char ptr[DNS_NAME_TEXT];  /* what the address is called; "" nothing */
	char name[DNS_NAME_TEXT]; /* the same where CLIENT_OK, else "" */
	int score, scored;	  /* of the client's address in lists */
	struct dnsbl_zone const *worst; /* the heaviest that has it */
	struct door_finding {
		enum door_verdict { DOOR_UNKNOWN, DOOR_PASSES, DOOR_FAILS, DOOR_TEMPORARY } verdict;
		enum reply refusal;
		char *why;
	} finding[DOOR_CHECKS];
};

/* ---- door.c ---- */

void door_init(struct session *s);
/* Before the greeting: asks the DNS, waits as long as the setting says. 1 go on; 0 the client was
 * refused, or is gone: the connection is to be closed. */
int door_open(struct session *s);
/* It has greeted (again); the transaction is over; MAIL was taken. */
void door_greeted(struct session *s);
void door_reset(struct session *s);
void door_mail(struct session *s);
/* 1: this recipient is refused, and the client has its reply. */
int door_refuses(struct session *s, struct smtp_path const *to);
/* 1: mail to it is never refused because of who sends it: postmaster, abuse. */
int door_must_be_reached(struct smtp_path const *to);
/* The connection is somebody else's (XCLIENT, which may have told the name): all is asked anew. */
void door_renew(struct session *s);
/* 1: a stranger, to be checked. */
int door_checks(struct session const *s);
/* What a check has found, in words; v, for it to return. */
enum door_verdict door_found(struct door_finding *f, enum door_verdict v, char const *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- one file per check ---- */

/* f: where its words go, by door_found; refusal is set already. */
typedef enum door_verdict door_check_fn(struct session *s, struct door_finding *f);

/* door-reverse.c. The client's name, looked up where that is wanted; waits. */
void reverse_ask(struct session *s);
int reverse_step(struct session *s);
void reverse_wait(struct session *s);
/* OK, FAIL, FORGED, TEMP. */
char const *client_status_word(enum client_status s);
door_check_fn door_ptr, door_name;
/* door-helo.c */
void helo_ask(struct session *s);
door_check_fn door_helo_name, door_helo_bare, door_helo_own, door_helo_literal, door_helo_dns;
/* door-sender.c */
void sender_ask(struct session *s);
door_check_fn door_sender;
/* door-dnsbl.c */
void dnsbl_ask(struct session *s);
void dnsbl_ask_sender(struct session *s);
door_check_fn door_dnsbl;
/* door-greet.c: as door_open. */
int greet_wait(struct session *s);

#endif

/* The settings of smtp-recv, read once before the sandbox. man/smtp-recv.8 lists them. */
#ifndef SMTP_RECV_SETTINGS_H
#define SMTP_RECV_SETTINGS_H

#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>

#include "smtp-recv/door.h"
#include "smtp-recv/greylist.h"
#include "smtp-recv/milter-table.h"
#include "smtp-recv/rate.h"

struct settings {
	char const *me;
	char const *relayclient;  /* RELAYCLIENT, null if not set */
	char const *separators;	  /* between user and subaddress */
	char const *lmtp, *spool, *callout; /* sockets */
	char const *directory;	  /* for long messages */
	uint64_t size_max;
	size_t line_max;
	int binarymime; /* it is offered */
	unsigned int recipients_max, hops_max, errors_max, messages_max, user_connections;
	unsigned int reply_seconds, idle_seconds, session_seconds;
	char const *service;	  /* "smtp", "submission", "relay", "local": for etc/milters */
	struct milter_entry *milters;
	size_t milters_count;
	struct greylist greylist;
	struct rate *rates;
	size_t rates_count;
	char const *rates_file;
	unsigned int tarpit_seconds, tarpit_errors, tarpit_total;
	char const *state; /* directory of greylist and rates; null: neither is wanted */
	int submission, repair_newlines, requiretls;
	unsigned int future_max; /* seconds that a message may be held for (RFC 4865); 0: not offered */
	unsigned int by_min;	 /* least seconds of BY=...;R (RFC 2852) */
	struct door_settings door;
	stralloc proxies, trusted; /* networks: login_among */
};

/* Reads all; a bad one ends the program with exit 100 and its name. local: the peer is on a Unix
 * socket. */
void settings_read(struct settings *s, int submission, int local);

#endif

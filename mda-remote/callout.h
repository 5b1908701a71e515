/* smtp-callout: would a domain's own server take mail for an address. */
#ifndef POSTERN_MDA_REMOTE_CALLOUT_H
#define POSTERN_MDA_REMOTE_CALLOUT_H

#include <stdint.h>
#include <skalibs/tai.h>

#include "lib/smtp-envelope.h"
#include "mda-remote/attempt.h"
#include "mda-remote/limits.h"
#include "mda-remote/route.h"

struct answer {
	uint16_t code;		     /* 250, 450 or 550 */
	char text[CALLOUT_TEXT_MAX]; /* one line, with enhanced code */
};

/* ---- callout-cache.c: run/callout/answers ---- */

/* Opens it, or makes it; without it nothing is remembered. */
void cache_open(void);
/* An answer for key that is not older than what its code may be (settings callout-positive and
 * callout-negative; 450: CALLOUT_DOWN_SECONDS). 1, or 0. */
int cache_get(char const *key, struct answer *a);
void cache_put(char const *key, struct answer const *a);

/* ---- callout-server.c: the domain's server, by smtp-send ---- */

/* Reads the settings. */
void server_init(void);
/* Its verdict on the address (text of a path), by this route: RCPT_DONE, RCPT_FAILED or
 * RCPT_WAITING, as send_verify; -1: no server could be asked, and *why says why. The connection
 * stays for the next question of the same route. All of it ends at `latest`. */
int server_ask(struct route const *r, char const *address, tain const *latest, struct attempt *why);
/* Ends the connection. */
void server_close(void);

/* ---- callout-ask.c ---- */

/* Reads the settings. */
void callout_init(void);
/* The answer for a recipient; always there within callout-timeout. */
void callout_ask(struct smtp_path const *to, struct answer *a);

#endif

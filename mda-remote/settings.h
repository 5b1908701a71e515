/* The settings of remote delivery, one file each in the control directory (lib/conf.h). */
#ifndef POSTERN_MDA_REMOTE_SETTINGS_H
#define POSTERN_MDA_REMOTE_SETTINGS_H

#include <limits.h>
#include <stdint.h>

#include "lib/conf.h"
#include "lib/smtp-envelope.h"

#define SETTINGS_LIFETIME_MAX (365 * UINT64_C(86400000)) /* ms, of queue-lifetime */

/* What mda-remote reads at its start and again whenever a file in etc/ changes. */
struct settings {
	uint64_t retry_min, retry_max; /* ms between two attempts for one message */
	uint64_t host_retry_min,
	    host_retry_max;	      /* ms that a destination that did not answer rests */
	uint64_t delay_notice;	      /* ms after which a delay is reported; 0 never */
	int delay_always;	      /* reported although NOTIFY=DELAY was not asked for */
	uint64_t lifetime;	      /* ms that a notification of ours may wait */
	int double_bounce;	      /* what fails and has no sender goes to the postmaster */
	unsigned int bounce_limit;    /* notifications to one address per period; 0 any number */
	uint64_t bounce_period;	      /* ms */
	unsigned int connections;     /* smtp-send processes at the same time */
	unsigned int per_destination; /* of them to one destination */
	unsigned int per_address;     /* of them to one remote address */
	unsigned int per_sender;      /* messages of one sender under way, each destination apart */
	unsigned int per_connection;  /* messages over one connection */
	unsigned int per_mail;	      /* recipients of one transaction */
	unsigned int active;	      /* messages read in for delivery at the same time */
	uint16_t port;		      /* of remote SMTP servers */
	int sts;		      /* MTA-STS policies are asked for */
	uint16_t sts_port;	      /* of the hosts that have them */
	unsigned int timeout;	      /* s, of any step; smtp-send and mda-remote-sts read it too */
	char postmaster[SMTP_PATH_MAX + 1];
	char me[CONF_ME_MAX];
	/* What children read for themselves: they are started anew when it is another. */
	uint64_t resolver;		/* of etc/resolver's lines, 0: there are none */
	char resolver_anchor[PATH_MAX]; /* these are "" where nothing is set */
	char tls_ca[PATH_MAX];
};

void settings_read(struct settings *s);
/* The same while the program goes on: a bad value leaves *s as it is. 0, or -1; the message stands on
 * fd 2. -2: etc/ was replaced meanwhile. Read by a child, which alone ends, and handed over by it:
 * what is read a second time may have become bad in between. */
int settings_reread(struct settings *s);

#endif

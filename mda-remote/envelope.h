/* The envelope of a spool file: its text form, written and read. doc/spool.md has the grammar.
 * Pure: no files. */
#ifndef POSTERN_MDA_REMOTE_ENVELOPE_H
#define POSTERN_MDA_REMOTE_ENVELOPE_H

#include <stdint.h>
#include <skalibs/stralloc.h>

#include "lib/arena.h"
#include "lib/smtp-envelope.h"

/* The state byte of a recipient. */
enum rcpt_state {
	RCPT_WAITING = 'w',
	RCPT_DONE = 'd',     /* delivered, nothing more to say */
	RCPT_RELAYED = 's',  /* delivered, the sender is still to be told (RFC 3461 5.2.2) */
	RCPT_FAILED = 'f',   /* failed for good, the sender is still to be told */
	RCPT_REPORTED = 'F', /* failed for good, the sender has been told or wants no word */
};
/* The byte behind it. */
enum {
	DELAY_UNTOLD = '-',
	DELAY_TOLD = 'D',
	DELAY_BY_TOLD = 'B', /* that the time of BY=...;N is over, too (RFC 2852 4.1.3) */
};
/* The first byte of the record of a future release. */
enum { RELEASE_WAITS = '-', RELEASE_NOW = 'r' };

struct envelope_rcpt {
	struct smtp_rcpt rcpt;
	char state, delay;
	uint64_t at; /* where the state byte stands in the file; the delay byte follows */
};

struct envelope {
	char const *id;		 /* of the message, for the log */
	int64_t arrival, expiry; /* seconds since 1970 */
	struct smtp_mail mail;	 /* from, body, smtputf8, requiretls, ret, envid, login, release, future, by; size in wire octets */
	char const *hold;	 /* why it was held from the start; null: it was not */
	uint64_t release_at;	 /* where the byte of its release stands in the file; 0: there is none */
	int released;		 /* by an administrator, before its time */
	int eightbit;		 /* the message holds octets over 127 */
	int tls_optional;	 /* it says "TLS-Required: No" (RFC 8689 3) */
	uint64_t offset, length; /* of the message in the file */
	uint32_t sum; /* CRC-32C of all behind the sizes, with the recipients as they were new */
	int summed;   /* sum is given */
	struct envelope_rcpt *rcpt;
	unsigned int count;
};

#define ENVELOPE_TEXT_MAX 255
#define ENVELOPE_TIME_MAX (INT64_C(1) << 40) /* seconds; so that milliseconds are a number too */

/* 1 if it may stand in the record of who handed a message in, or of why it is held: not empty, at most
 * ENVELOPE_TEXT_MAX bytes, no controls. */
int envelope_text_valid(char const *s);

/* When it begins to wait for delivery, in seconds since 1970: its arrival, or its release. */
int64_t envelope_begin(struct envelope const *e);
/* 1 if it must not be sent yet (RFC 4865 4.2). */
int envelope_future(struct envelope const *e, int64_t now);
/* 1 if its time is over: the one that BY=...;R gave it (RFC 2852 4.1.3). */
int envelope_too_late(struct envelope const *e, int64_t now);
/* How many recipients wait. */
unsigned int envelope_waiting(struct envelope const *e);

/* Places of the fields that are known only when the message has been written. */
#define ENVELOPE_SIZES_AT 16
/* Text of exactly ENVELOPE_SIZES_LEN bytes for ENVELOPE_SIZES_AT. */
#define ENVELOPE_SIZES_LEN 65
/* From here on the file is summed up. */
#define ENVELOPE_SUMMED_AT (ENVELOPE_SIZES_AT + ENVELOPE_SIZES_LEN)
void envelope_sizes(char text[static ENVELOPE_SIZES_LEN + 1], struct envelope const *e);

/* Appends the whole envelope with the empty line that ends it. Sets offset and every at. */
void envelope_format(stralloc *out, struct envelope *e);

/* Reads s[0..n), which begins at the file's begin. 1, 0 if it is cut short (read more), -1 if it is
 * damaged; *reason then says why. Strings live in the arena. */
int envelope_parse(
    struct arena *a, char const *s, size_t n, struct envelope *e, char const **reason);

#endif

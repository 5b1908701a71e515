/* The messages that a script sends of its own: vacation answers (RFC 5230, by the rules of RFC
 * 3834) and notifications by mail (RFC 5435, 5436). Here is decided whether one is due, and here it
 * is written; who runs scripts keeps the state (sieve/state.h) and sends. */
#ifndef POSTERN_SIEVE_ANSWER_H
#define POSTERN_SIEVE_ANSWER_H

#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>

#include "lib/arena.h"
#include "sieve/sieve.h"
#include "sieve/state.h"

/* Octets of a vacation answer's text, and of a notification's; of a longer one the end is left out.
 */
#define ANSWER_TEXT_MAX 65536
/* Message ids that an answer refers to. */
#define ANSWER_REFERENCES 20
/* Addresses of a mailto URI that get a notification; other fields of it. More is an error. */
#define MAILTO_ADDRESSES_MAX 8
#define MAILTO_FIELDS_MAX 16
#define MAILTO_URI_MAX 4096

/* What has arrived, and for whom. */
struct sieve_trigger {
	char const *msg; /* its header is enough */
	size_t n;
	struct sieve_envelope const *envelope;
	char const *separators; /* of subaddresses; null: none */
	char const *host;	/* of this host, for Message-ID */
	int64_t now;
	int junk; /* it is marked as such */
};

/* ---- vacation.c ---- */
/* Why this message gets no vacation answer: a word for the log; null: it gets one if there was none
 * within the time. *from: the owner's address that the message was for. */
char const *sieve_vacation_refused(struct arena *a, struct sieve_vacation const *v,
    struct sieve_trigger const *t, char const **from);
/* What the state remembers of it: the sender and the answer (RFC 5230 4.2). */
void sieve_vacation_key(
    unsigned char key[static SIEVE_KEY], struct sieve_vacation const *v, char const *sender);
/* Appends the message: to the envelope's sender, from `from` unless v has another; its own envelope
 * sender is empty. */
void sieve_vacation_write(stralloc *out, struct arena *a, struct sieve_vacation const *v,
    struct sieve_trigger const *t, char const *from);

/* ---- mailto.c ---- */
struct sieve_mailto {
	char const *to[MAILTO_ADDRESSES_MAX]; /* addr-specs: of the path and of "to" */
	char const *cc[MAILTO_ADDRESSES_MAX];
	unsigned int to_count, cc_count;
	char const *subject, *body;		 /* UTF-8; null: none */
	char const *field[MAILTO_FIELDS_MAX][2]; /* name, value */
	unsigned int fields;
};
/* Reads a URI (RFC 6068), what is not to be in it left out (RFC 5436 2.7). 0; -1 with *error, a
 * constant. */
int sieve_mailto_parse(
    struct sieve_mailto *m, struct arena *a, char const *uri, char const **error);

/* ---- notify.c ---- */
/* As sieve_vacation_refused (RFC 5436 2.7). */
char const *sieve_notify_refused(struct sieve_trigger const *t);
/* The envelope sender of the notification: "" for a message that has none. In a. */
char const *sieve_notify_sender(
    struct arena *a, struct sieve_notify const *n, struct sieve_trigger const *t);
/* Appends the message for the addresses of m. */
void sieve_notify_write(stralloc *out, struct arena *a, struct sieve_notify const *n,
    struct sieve_mailto const *m, struct sieve_trigger const *t);

/* ---- for both: answer.c ---- */
/* Is the message an automatic one (RFC 3834 5): Auto-Submitted with another value than "no"? */
int sieve_answer_automatic(char const *msg, size_t n);
/* Appends In-Reply-To and References (RFC 5322 3.6.4), as far as the message has ids. */
void sieve_answer_references(stralloc *out, char const *msg, size_t n);
/* The text of a field as people read it, in a; null: there is no such field. */
char const *sieve_answer_field(struct arena *a, char const *msg, size_t n, char const *name);
/* s[0..len) of which there is at most `max`, cut at a character. */
size_t sieve_answer_cut(char const *s, size_t len, size_t max);

#endif

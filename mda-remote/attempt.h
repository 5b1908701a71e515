/* How one attempt for one recipient went: said by smtp-send (or by mda-remote, when it did not come
 * so far), logged, kept in NAME:why for mailq and the notification. */
#ifndef POSTERN_MDA_REMOTE_ATTEMPT_H
#define POSTERN_MDA_REMOTE_ATTEMPT_H

#include <stdint.h>
#include <skalibs/stralloc.h>

struct attempt {
	char verdict; /* enum rcpt_state: delivered, relayed, failed, or waiting for another try */
	int code;     /* of the peer's reply, 0 if there was none */
	char status[12];	/* RFC 3463 */
	char host[256], ip[46]; /* of the peer, "" if there was none */
	char text[1001];	/* the peer's words or ours; the lines of a reply joined by '\n' */
};

/* Fills it in; null strings are empty, what is too long is cut, controls become '?'. An empty
 * status is made of the verdict ("4.0.0", ...). */
void attempt_set(struct attempt *t, char verdict, int code, char const *status, char const *text);
void attempt_peer(struct attempt *t, char const *host, char const *ip);
/* Logs it for the recipient `to`: delivered, deferred or failed. tls: protocol or null; delay:
 * seconds since the message came. */
void attempt_log(struct attempt const *t, char const *to, char const *tls, int64_t delay);
/* One line without its end: "V CODE STATUS HOST IP TEXT"; and back: 0, or -1 if it is none. */
void attempt_format(stralloc *out, struct attempt const *t);
int attempt_parse(struct attempt *t, char const *s);

/* ---- NAME:why: lines "AT TIME attempt"; the last one of a recipient counts ---- */

/* Appends a line. Not synced: without it a notification only knows less. */
void why_add(int fd_spool, char const *name, uint64_t at, struct attempt const *t);
struct why {
	stralloc text; /* the whole file; each line ends with a NUL */
	struct why_line {
		uint64_t at;
		size_t attempt; /* where it is in text */
		int64_t when;	/* seconds since 1970 */
	} * line;		/* the last of each recipient, by at */
	size_t count;
};
#define WHY_ZERO                                                                                   \
	{                                                                                          \
		STRALLOC_ZERO, 0, 0                                                                \
	}

/* Reads the file, nothing if there is none; and its text, as the file has it, alone. */
void why_load(int fd_spool, char const *name, struct why *w);
void why_index(struct why *w);
void why_free(struct why *w);
/* What it says last of the recipient at `at`: 1, or 0. */
int why_find(struct why const *w, uint64_t at, struct attempt *t);
/* When that was, in seconds since 1970; 0 if it says nothing. */
int64_t why_time(struct why const *w, uint64_t at);
/* Drops from the file what was said before that, when it is more than half of a large one. */
void why_trim(int fd_spool, char const *name, struct why const *w);

#endif

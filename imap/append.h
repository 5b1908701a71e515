/* Messages that a client brings: APPEND (RFC 3501 6.3.11) with MULTIAPPEND (RFC 3502), CATENATE
 * (RFC 4469), literal8 (RFC 3516 4.4), UTF8 (RFC 6855 section 4), and REPLACE (RFC 8508). Each goes
 * from the network to a file as it comes; what is refused is told before the client sends it, where
 * the literal waits. */
#ifndef POSTERN_IMAP_APPEND_H
#define POSTERN_IMAP_APPEND_H

#include "imap/flags.h"
#include "imap/hand.h"
#include "maildir/deliver.h"

/* One message of the command. */
struct append_message {
	struct append_message *before;
	struct flag_list list;
	struct timespec date;
	int dated;
	struct delivery d;
	uint64_t octets; /* of the wire, so far */
	/* Its lines are kept with the line ends they came with: it may have binary parts. */
	int raw;
	int binary; /* a literal8 was in it */
	int cr;	    /* a CR at the end of a piece waits for what follows */
	char last;  /* the octet before */
	enum { IN_HEADER, AT_LINE, IN_BODY } at;
	int header8; /* an octet of its header is above 127 */
};

struct append {
	struct session *s;
	char const *name; /* of the mailbox, UTF-8; null: no name that one can have */
	stralloc dir;	  /* its directory, once asked for */
	/* Why it fails, though what it says can be understood: the tagged reply. */
	char const *refused;
	struct append_message *last; /* of `count`; the first is at the end of the chain */
	size_t count, open;	     /* open: the newest of them whose files are open */
	uint64_t octets;	     /* of all */
	uint64_t freed;		     /* octets on disk that REPLACE gives back */
	struct folder *source;	     /* of the last URL, if it is not the selected one; ... */
	char *source_name;	     /* ... its name */
	struct hand hand;	     /* of the last URL */
};

/* append-message.c. Both read one message behind the mailbox's name: 1; 0 with parse.error set, or
 * a->refused. */
int append_message(struct append *a, struct parse *p);
/* Syncs what is open, before the folder is locked for it: what takes time. 0 or -1 (errno). */
int append_sync(struct append *a);
/* Octets as the wire has them, to the message. A write error is remembered in the delivery. */
void append_write(struct append_message *m, char const *s, size_t n);
/* Notes why it fails, if nothing is noted yet; returns 0. */
int append_refuse(struct append *a, char const *reply);
/* May the message get so many octets more? 1; 0 with a->refused: TOOBIG, LIMIT. */
int append_fits(struct append *a, struct append_message const *m, uint64_t more);
/* append-url.c: the message or part that the URL names (RFC 5092) becomes the message's next
 * octets. 1; 0 with a->refused: BADURL, TOOBIG, LIMIT. */
int append_url(struct append *a, struct append_message *m, char const *url, size_t len);
/* append-binary.c: parts that cannot stand in a Maildir as they are become base64 (RFC 3516 4.4),
 * line ends LF. 0 or -1 (errno). */
int append_settle(struct append_message *m, char const *dir);

#endif

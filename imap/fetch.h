/* What FETCH was asked for (RFC 3501 6.4.5). */
#ifndef POSTERN_IMAP_FETCH_H
#define POSTERN_IMAP_FETCH_H

#include "imap/search-return.h"
#include "imap/section.h"
#include "imap/session.h"
#include "lib/message-text.h"

enum fetch_kind {
	FETCH_UID,
	FETCH_FLAGS,
	FETCH_INTERNALDATE,
	FETCH_SIZE,
	FETCH_MODSEQ,
	FETCH_TEXT, /* ENVELOPE, BODY, BODYSTRUCTURE */
	FETCH_SECTION,
	FETCH_BINARY,	   /* RFC 3516 */
	FETCH_BINARY_SIZE, /* RFC 3516 */
	FETCH_PREVIEW,	   /* RFC 8970 */
	FETCH_SAVEDATE,	   /* RFC 8514 */
	FETCH_EMAILID,	   /* RFC 8474 */
	FETCH_THREADID,	   /* RFC 8474 */
};

struct fetch_item {
	enum fetch_kind kind;
	enum need need;
	int seen;	   /* sets \Seen */
	char const *label; /* as it stands in the response */
	size_t label_len;
	/* what it is made of, or all that is needed for it; TEXT_KINDS: neither */
	enum message_text text;
	struct imap_section section;
	int lazy;    /* PREVIEW (LAZY) */
	int partial; /* <from.count> */
	uint64_t from, count;
};
struct fetch {
	struct fetch_item *item;
	size_t count, room;
	enum need need;	 /* the largest of all */
	int seen, flags; /* some item sets \Seen; FLAGS are asked for */
	int modseq;	 /* MODSEQ is asked for */
	uint64_t since;	 /* CHANGEDSINCE: only messages with a larger modseq */
	int vanished;	 /* VANISHED: and those that went since */
	struct partial partial; /* PARTIAL (RFC 9394 3.3): hi 0: none */
};

/* fetch-parse.c: an item, a macro, or a list of items. */
int fetch_parse(struct parse *p, struct fetch *f, int uid);
/* An item of that name, if it is not there yet: what a modifier adds. */
void fetch_add(struct parse *p, struct fetch *f, char const *name);
/* fetch-modifiers.c: " (CHANGEDSINCE n VANISHED)" behind the items, or nothing. */
int fetch_modifiers_parse(struct session *s, struct parse *p, struct fetch *f);
/* fetch-write.c: does it need each message's file, whatever the folder keeps of it? */
int fetch_reads(struct fetch const *f);
/* fetch-write.c: sends the response for the message in hand. 0; -1 (errno) if the message cannot be
 * read, and then nothing was sent. */
int fetch_write(struct session *s, struct fetch const *f, struct hand *h);

#endif

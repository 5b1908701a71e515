/* SEARCH (RFC 3501 6.4.4): a tree of keys, tried on one message after the other. */
#ifndef POSTERN_IMAP_SEARCH_H
#define POSTERN_IMAP_SEARCH_H

#include "imap/hand.h"
#include "imap/session.h"
#include "lib/casemap.h"

enum search_kind {
	SEARCH_ALL,
	SEARCH_AND,   /* children */
	SEARCH_OR,    /* two children */
	SEARCH_NOT,   /* one child */
	SEARCH_SET,   /* message is in set (of indexes) */
	SEARCH_FLAGS, /* (flags & mask) == want */
	SEARCH_KEYWORD,
	SEARCH_BEFORE, /* INTERNALDATE's day against day */
	SEARCH_ON,
	SEARCH_SINCE,
	SEARCH_LARGER,
	SEARCH_SMALLER,
	SEARCH_SENTBEFORE, /* the Date field's day */
	SEARCH_SENTON,
	SEARCH_SENTSINCE,
	SEARCH_HEADER, /* text in the field `header` */
	SEARCH_BODY,
	SEARCH_TEXT,
};

enum verdict { NO, YES, UNKNOWN };

struct search_key {
	enum search_kind kind;
	struct search_key *next, *child;
	struct set set;
	unsigned int mask, want;
	char const *name; /* keyword or header field */
	int common;	  /* of a header field that the folder keeps: TEXT_HEADERS */
	int keyword;	  /* its number, -1: the folder has none of this name */
	int64_t day;	  /* since 1970 */
	uint32_t number;
	struct text text; /* UTF-8 */
	struct matcher matcher;
	/* What is known of the message at hand: its index + 1, and the verdict. */
	uint32_t at;
	enum verdict verdict;
};

struct search {
	struct search_key *root;
	unsigned int keys;
	struct text charset;
	int badcharset;
	struct search_key **texts; /* keys with a matcher */
	size_t text_count;
	struct date_memo dates;
};

/* search-parse.c: everything behind RETURN. Sets are resolved against the selected folder. */
int search_parse(struct session *s, struct parse *p, struct search *q);
void search_free(struct search *q);

/* search-eval.c: does message i match? YES or NO. A message that cannot be read matches nothing
 * that needs reading. */
enum verdict search_message(struct search *q, struct hand *h, struct folder *f, uint32_t i);

/* search-text.c */
/* Is the key's text in a field of this name (null: in any, name included) of the header? */
int search_header(struct search_key *k, char const *header, size_t n, char const *name);
/* Reads the message's text once for all BODY and TEXT keys that are still undecided. */
void search_body(struct search *q, struct hand *h);

#endif

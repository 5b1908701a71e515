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
	SEARCH_MODSEQ, /* modseq >= modseq */
	SEARCH_BEFORE, /* INTERNALDATE's day against day */
	SEARCH_ON,
	SEARCH_SINCE,
	SEARCH_OLDER, /* INTERNALDATE against now - number */
	SEARCH_YOUNGER,
	SEARCH_SAVEDBEFORE, /* the save date's day */
	SEARCH_SAVEDON,
	SEARCH_SAVEDSINCE,
	SEARCH_LARGER,
	SEARCH_SMALLER,
	SEARCH_EMAILID,
	SEARCH_THREADID,
	SEARCH_SENTBEFORE, /* the Date field's day */
	SEARCH_SENTON,
	SEARCH_SENTSINCE,
	SEARCH_HEADER, /* text in the field `header` */
	SEARCH_BODY,
	SEARCH_TEXT,
};

enum verdict { NO, YES, UNKNOWN };

/* What the numbers of a set are. */
enum search_numbers { NUMBERS_SEQUENCE, NUMBERS_UID, NUMBERS_SAVED };

struct search_key {
	enum search_kind kind;
	struct search_key *next, *child;
	struct set given, set; /* as it came; indexes of the folder that is searched */
	enum search_numbers numbers;
	unsigned int mask, want;
	char const *name;    /* header field */
	struct text keyword; /* its name */
	int common;	     /* of a header field that the folder keeps: TEXT_HEADERS */
	int keyword_number;  /* -1: the folder has none of this name */
	int64_t day;	     /* since 1970 */
	uint64_t modseq;
	uint32_t number;
	struct text text; /* UTF-8; of EMAILID as it came */
	struct matcher matcher;
	/* A part of the text that stands in a header as it is, unless that is encoded; is it all? */
	struct matcher quick;
	int quick_len, quick_whole;
	stralloc line, decoded; /* scratch: a field */
	/* Messages below this one are known: those that match, a bit each, in search.found. */
	uint32_t known;
	unsigned char *found;
	/* What is known of the message at hand: its index + 1, and the verdict. */
	uint32_t at;
	enum verdict verdict;
};

struct search {
	struct search_key *root;
	unsigned int keys;
	struct text charset;
	int badcharset;
	int common; /* some key is of what the folder keeps */
	int modseq; /* some key is MODSEQ (RFC 7162 3.1.5) */
	int within; /* some key is OLDER or YOUNGER (RFC 5032): what matches changes with time */
	int64_t now;
	struct search_key **texts; /* keys with a matcher */
	size_t text_count;
	unsigned char *found; /* search_columns */
	struct date_memo dates;
};
#define SEARCH_ZERO                                                                                \
	{                                                                                          \
		0                                                                                  \
	}

/* search-parse.c. Everything behind RETURN of SEARCH: a charset if there is one, and the keys, to
 * the end of the command. They live in p's arena. 1 or 0; search_free in any case. */
int search_parse(struct parse *p, struct search *q);
/* The same where the charset comes first and always (RFC 5256 section 5, search-criteria). */
int search_parse_criteria(struct parse *p, struct search *q);

/* search-argument.c: what stands behind a key's name. 1 or 0. */
int search_argument_set(struct parse *p, struct search_key *k, enum search_numbers numbers);
int search_argument_bound(struct parse *p, struct search_key *k, int above);
int search_argument_keyword(struct parse *p, struct search_key *k);
int search_argument_date(struct parse *p, struct search_key *k);
int search_argument_modseq(struct parse *p, struct search *q, struct search_key *k);
int search_argument_id(struct parse *p, struct search_key *k);
int search_argument_charset(struct parse *p, struct search *q);
int search_argument_text(struct parse *p, struct search *q, struct search_key *k);
/* Frees what is outside the arena. */
void search_free(struct search *q);

/* search-bind.c */
/* Before the first search_message in a folder: resolves sets and keywords there. */
void search_bind(struct search *q, struct session *s, struct folder *f);
/* Of a search that will be used again when messages have come and gone: sequence numbers and "$"
 * stand for the messages that have them now (RFC 5267 4.3). Behind search_bind. */
void search_fix(struct search *q, struct arena *a, struct folder *f);
/* The indexes that every match is among, if the keys name such a set; else all. In the arena. */
struct set search_candidates(struct search const *q, struct arena *a, struct folder *f);

/* search-eval.c: does message i match? YES or NO. A message that cannot be read matches nothing
 * that needs reading. */
enum verdict search_message(struct search *q, struct hand *h, struct folder *f, uint32_t i);
/* Does it take more to know than what the folder and its directory say? */
int search_open(struct search *q, struct folder *f, uint32_t i);

/* search-columns.c: finds what can be found in postern-keys, for a search among these messages; it is
 * true until search_columns_end, which frees it, or until something is reported. A column that is
 * not there is made if most messages are to be looked at. Of more keys than imap-search-memory has
 * a bit of each message for, the last ones are left. */
void search_columns(struct search *q, struct session *s, struct folder *f, struct set const *among);
void search_columns_end(struct search *q);

/* search-text.c */
/* Is the key's text in a field of this name (null: in any, name included) of the header? */
int search_header(struct search_key *k, char const *header, size_t n, char const *name);
/* Reads the message's text once for all BODY and TEXT keys that are still undecided. */
void search_body(struct search *q, struct hand *h);

#endif

/* What Sieve consists of: one table of commands and one of tests. A row says everything that compiler,
 * loader and machine need to know: the capability, each argument with its type, what is checked, who
 * runs it. */
#ifndef POSTERN_SIEVE_SYNTAX_H
#define POSTERN_SIEVE_SYNTAX_H

#include <stddef.h>
#include <stdint.h>

#include "sieve/sieve.h"

/* Capabilities, in the order of capability_names. */
enum {
	CAP_FILEINTO,
	CAP_REJECT,
	CAP_EREJECT,
	CAP_ENVELOPE,
	CAP_ENCODED_CHARACTER,
	CAP_COPY,
	CAP_BODY,
	CAP_VARIABLES,
	CAP_IMAP4FLAGS,
	CAP_RELATIONAL,
	CAP_SUBADDRESS,
	CAP_DATE,
	CAP_INDEX,
	CAP_MAILBOX,
	CAP_MBOXMETADATA,
	CAP_SERVERMETADATA,
	CAP_SPECIAL_USE,
	CAP_MAILBOXID,
	CAP_ENVIRONMENT,
	CAP_INCLUDE,
	CAP_DUPLICATE,
	CAP_IHAVE,
	CAP_VACATION,
	CAP_VACATION_SECONDS,
	CAP_ENOTIFY,
	CAP_EDITHEADER,
	CAP_REGEX,
	CAP_MIME,
	CAP_FOREVERYPART,
	CAP_EXTRACTTEXT,
	CAP_REPLACE,
	CAP_ENCLOSE,
	CAP_SPAMTEST,
	CAP_SPAMTESTPLUS,
	CAP_VIRUSTEST,
	CAP_OCTET,
	CAP_ASCII_CASEMAP,
	CAP_ASCII_NUMERIC,
	CAP_UNICODE_CASEMAP,
	CAPS
};
extern char const *const capability_names[CAPS];
#define CAP(x) (UINT64_C(1) << CAP_##x)
/* By name[0..n): its number, or -1. */
int capability_find(char const *name, size_t n);
/* Bits of those that may be required. */
uint64_t capability_allowed(struct sieve_limits const *l);

enum argument_type { ARG_FLAG, ARG_STRING, ARG_LIST, ARG_NUMBER, ARG_CHOICE };

/* What a constant string must be; strings with variables are looked at when they are used. */
enum argument_what {
	IS_ANY,
	IS_CONSTANT, /* no variables in it */
	IS_HEADER,   /* RFC 5322 3.6.8 */
	IS_ADDRESS_HEADER,
	IS_ENVELOPE,
	IS_ADDRESS,
	IS_NAMED_ADDRESS,
	IS_FOLDER,
	IS_VARIABLE, /* a name; constant */
	IS_VARIABLES,
	IS_DATE_PART,
	IS_ZONE,
	IS_SCRIPT,
	IS_CAPABILITY,
	IS_METHOD,
	IS_IMPORTANCE,
	IS_LABEL, /* of foreverypart */
	/* A choice whose parameter goes into the next slot, but for the first of these. */
	IS_COMPARATOR,
	IS_RELATION,
	IS_PARAM
};

struct argument {
	char const *tag; /* null: positional */
	enum argument_type type;
	enum argument_what what;
	int group;	   /* of tags that exclude one another; 0: none */
	uint64_t needs;	   /* capabilities, one of which is needed; 0: none */
	int optional;	   /* positional: may be left out */
	unsigned int most; /* of ARG_CHOICE: the highest value */
};

/* Arguments that many rows share stand behind a row's own, in this order. */
enum {
	WITH_MATCH = 1, /* :comparator, match type, its relation */
	WITH_PART = 2,	/* address part */
	WITH_INDEX = 4, /* :index, :last */
	WITH_MIME = 8,	/* :mime, :anychild */
	WITH_WHAT = 16, /* what of a structured field; its :param */
	BLOCK = 32,
	TEST = 64,    /* one test */
	TESTS = 128,  /* tests in parentheses */
	CONTROL = 256 /* the compiler turns it to jumps */
};
enum { SLOT_COMPARATOR, SLOT_MATCH, SLOT_RELATION, SLOTS_MATCH };
enum { SLOT_PART, SLOTS_PART };
enum { SLOT_INDEX, SLOT_LAST, SLOTS_INDEX };
enum { SLOT_MIME, SLOT_ANYCHILD, SLOTS_MIME };
enum { SLOT_WHAT, SLOT_PARAM, SLOTS_WHAT };
#define SLOTS_MAX 16

enum comparator { OCTET, ASCII_CASEMAP, ASCII_NUMERIC, UNICODE_CASEMAP };
enum match_type { MATCH_IS, MATCH_CONTAINS, MATCH_MATCHES, MATCH_REGEX, MATCH_VALUE, MATCH_COUNT };
enum relation { REL_GT, REL_GE, REL_LT, REL_LE, REL_EQ, REL_NE };
enum address_part { PART_ALL, PART_LOCAL, PART_DOMAIN, PART_USER, PART_DETAIL };
enum mime_what { WHAT_RAW, WHAT_TYPE, WHAT_SUBTYPE, WHAT_CONTENTTYPE, WHAT_PARAM };

struct machine;
struct compiler;
struct call; /* sieve/code.h */

struct row {
	char const *name;
	uint64_t needs; /* capabilities, one of which is needed; 0: none */
	unsigned int flags;
	struct argument const *own;
	unsigned int owns;
	/* Looks at slots that constants give, beyond what the arguments' rows say: 0 or -1, told. */
	int (*check)(struct compiler *c, struct call const *call);
	/* A test: 1 or 0. A command: anything. -1: the run is over (machine_fail has said why). */
	int (*run)(struct machine *m, struct call const *call);
	unsigned int uses; /* enum sieve_uses */
};

extern struct row const commands[], tests[];
extern unsigned int const commands_count, tests_count;

struct row const *row_find(struct row const *rows, unsigned int count, char const *name, size_t n);
/* How many slots the row has, and what slot i is. */
unsigned int row_slots(struct row const *r);
struct argument const *row_slot(struct row const *r, unsigned int i);
/* The first slot of a shared group that the row has. */
unsigned int row_shared(struct row const *r, unsigned int with);
/* Finds the slot that the tag gives in r: the argument that tells its rules (for ARG_CHOICE, `most` is
 * the tag's own value), or null. */
struct argument const *row_tag(struct row const *r, char const *tag, size_t n, unsigned int *slot);

#endif

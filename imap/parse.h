/* A command is read through a cursor that cannot run off its end. Each step takes one thing of the
 * grammar of RFC 3501 section 9 and returns 1; at the first thing that is wrong it returns 0 and
 * p->error says what, and all further steps return 0. So handlers read straight on:
 *
 *     if (!parse_sp(p) || !parse_astring(p, &name) || !parse_end(p))
 *             return BAD;
 *
 * Literals are fetched on the way: a synchronizing one gets its "+". All strings live in the
 * command's arena and have a NUL behind them that does not count. */
#ifndef POSTERN_IMAP_PARSE_H
#define POSTERN_IMAP_PARSE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/net.h"

struct text {
	char const *s;
	size_t len;
};

struct parse {
	struct net *net;
	struct arena *arena;
	char *line; /* LIMIT_LINE bytes; the current line is line[0..len) */
	size_t len, pos;
	unsigned int seconds; /* in which a line that was begun, or a literal, must come whole */
	size_t literals;      /* octets of literals so far */
	int uidonly;	      /* sequence numbers are refused (RFC 9586 section 3) */
	/* Of the session: a non-synchronizing literal may be that long (RFC 7888 5); text and names
	 * are UTF-8 (RFC 6855 3, RFC 9051 5.1), if one of these bits is set: ENABLE_UTF8,
	 * ENABLE_REV2. */
	uint64_t literal_max;
	unsigned int utf8;
	char const *error; /* what is wrong, for BAD; null while all is well */
	/* Why no further command can be read, if so. */
	enum parse_closed {
		PARSE_OPEN,
		PARSE_LOST, /* the connection ended */
		PARSE_LATE, /* a deadline passed */
		PARSE_LONG, /* a line was too long */
	} closed;
};

/* Reads a command's first line. */
enum net_line parse_start(struct parse *p);
/* Reads and drops what is left of the command: non-synchronizing literals and the lines behind
 * them. 0; -1 if the connection cannot go on. */
int parse_finish(struct parse *p);

#define ERROR_UIDREQUIRED "[UIDREQUIRED] Sequence numbers cannot be used"
/* Notes an error if none is noted yet; returns 0. */
int parse_fail(struct parse *p, char const *error);
/* The same after a read that gave `result`, 0 or -1 (errno): nothing more can be read. */
int parse_lost(struct parse *p, ssize_t result);

/* The next character, 0 at the end of the line. */
char parse_peek(struct parse const *p);
/* Takes c if it is next; 0 without an error if not. */
int parse_take(struct parse *p, char c);
/* Takes the word (case does not matter) if it is next and ends there; 0 without an error if not. */
int parse_take_word(struct parse *p, char const *word);
/* c must be next. */
int parse_char(struct parse *p, char c);
int parse_sp(struct parse *p);
int parse_end(struct parse *p);

int parse_tag(struct parse *p, struct text *out);
/* A verb, search key or option: a run of letters, digits, '-', '.', '=' in upper case. */
int parse_word(struct parse *p, struct text *out);
int parse_atom(struct parse *p, struct text *out);
int parse_astring(struct parse *p, struct text *out);
int parse_string(struct parse *p, struct text *out);
/* NIL gives s = null. */
int parse_nstring(struct parse *p, struct text *out);
/* A nstring, or a literal8 (RFC 3516), which alone may have NULs. */
int parse_value(struct parse *p, struct text *out);
/* A list-mailbox: a string, or atom characters with wildcards. */
int parse_pattern(struct parse *p, struct text *out);
/* A flag: "\" atom or atom. */
int parse_flag(struct parse *p, struct text *out);
int parse_number(struct parse *p, uint32_t *out);
int parse_number64(struct parse *p, uint64_t *out);
int parse_nznumber(struct parse *p, uint32_t *out);
/* Of 63 bits (RFC 7162 section 7, mod-sequence-valzer). */
int parse_number64(struct parse *p, uint64_t *out);
/* The head of a literal, up to its line's end: APPEND streams what follows. It may be a literal8,
 * "~{n}" (RFC 3516 section 7, RFC 9051 section 9). */
struct literal {
	uint64_t size;
	int wait;   /* the client waits for "+" */
	int binary; /* a literal8: it may hold NUL */
};
int parse_literal_head(struct parse *p, struct literal *out);
/* The line behind a streamed literal. */
int parse_continue(struct parse *p);
/* A whole literal, at its head; with `binary` it may hold NULs. */
int parse_literal(struct parse *p, struct text *out, int binary);

/* ---- sequence sets (parse-set.c) ---------------------------------------------------------- */

/* Ranges as they came; 0 stands for "*". After set_resolve: in order, joined, lo <= hi. */
struct range {
	uint32_t lo, hi;
};
struct set {
	struct range *r;
	size_t n;
};
int parse_set(struct parse *p, struct set *out);
/* Puts `largest` for "*", then sorts and joins. */
void set_resolve(struct set *s, uint32_t largest);
/* The same ranges elsewhere, so that both forms are kept. */
struct set set_copy(struct arena *a, struct set const *s);
int set_has(struct set const *s, uint32_t n);

#endif

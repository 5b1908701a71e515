/* The text of a .qmail file, as dot-qmail(5) describes it: one instruction a line. */
#ifndef POSTERN_MDA_LOCAL_QMAIL_PARSE_H
#define POSTERN_MDA_LOCAL_QMAIL_PARSE_H

#include <stddef.h>

#include "lib/arena.h"

enum qmail_kind {
	QMAIL_PROGRAM, /* |command */
	QMAIL_MBOX,    /* /path or ./path */
	QMAIL_MAILDIR, /* the same with a slash at its end */
	QMAIL_FORWARD, /* &address or address */
};

struct qmail_line {
	enum qmail_kind kind;
	char const *text; /* without the first character of |command and &address */
};

struct qmail_lines {
	struct qmail_line *line;
	size_t count;
	int programs; /* there are some */
};

/* Takes s[0..n) apart; strings and lines live in a. forward_only: the file has its x bit set, as a
 * line "+list" says of all behind it. Null, or what is wrong, a constant: then nothing of the file
 * counts. An empty file has no lines and is the caller's to see. */
char const *qmail_parse(
    struct arena *a, char const *s, size_t n, int forward_only, struct qmail_lines *out);

#endif

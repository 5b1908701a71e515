/* What the program says: results on descriptor 1, as text or as one JSON object per line (RFC
 * 8259), and a bar on descriptor 2 where that is a terminal. */
#ifndef POSTERN_MAILDIR_TOOL_SAY_H
#define POSTERN_MAILDIR_TOOL_SAY_H

#include <stddef.h>
#include <stdint.h>

#include "maildir/tool/tool.h"

/* One JSON object. What is not UTF-8 in a string becomes U+FFFD. */
void json_begin(void);
void json_str(char const *key, char const *value);
void json_num(char const *key, uint64_t value);
void json_list_begin(char const *key);
void json_item(char const *value);
void json_list_end(void);
/* Ends the object and its line. */
void json_end(void);

/* A line of text, unless --json or -q. A control octet in it becomes "?": names come from
 * strangers. */
void say(struct tool const *t, char const *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A warning on descriptor 2: "maildir: warning: ...: reason"; e 0: no reason. */
void say_warn(int e, char const *fmt, ...) __attribute__((format(printf, 2, 3)));

struct progress {
	int on;
	char const *label;
	uint64_t total, done; /* total 0: not known */
	long long shown;      /* ms */
};
/* Shows nothing where descriptor 2 is no terminal, or with -q. label must live until progress_end.
 */
void progress_begin(struct progress *p, struct tool const *t, char const *label, uint64_t total);
/* Drawn at most ten times a second. */
void progress_at(struct progress *p, uint64_t done);
/* Wipes the bar. */
void progress_end(struct progress *p);

/* Sends what stands in the buffer of descriptor 1, with the bar out of its way. 0 or -1. */
int say_flush(void);

#endif

/* One key=value line per event on fd 2, for s6-log:
 *     smtp-recv: id=k3x0q1.2 event=accept from=a@example.org size=1034
 * A value with a blank, a quote, a control or a byte over 126 is quoted: "a \"b\" \x0d". A line goes
 * out in one write of at most LOG_LINE bytes, so lines of several processes never mix; what does
 * not fit is cut. PROG (skalibs) stands in front. */
#ifndef POSTERN_LOG_H
#define POSTERN_LOG_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define LOG_LINE 2000

/* The id that every following line bears (copied; at most ID_MAX bytes); null for none. */
void log_id(char const *id);
/* Begins a line. */
void log_event(char const *event);
void log_str(char const *key, char const *value);
void log_strn(char const *key, char const *value, size_t len);
void log_num(char const *key, uint64_t value);
/* key=reason from errno. */
void log_errno(char const *key, int e);
/* Ends and writes the line; errno is kept. */
void log_send(void);

/* The common short forms: event and up to two strings. */
void log_1(char const *event, char const *key, char const *value);
void log_2(char const *event, char const *k1, char const *v1, char const *k2, char const *v2);
/* Of a child that has ended with this status (waitpid): if a signal ended it 1, and the line EVENT
 * pid= signal=; else 0. */
int log_killed(char const *event, pid_t pid, int status);

#endif

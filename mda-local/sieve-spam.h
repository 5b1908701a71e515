/* What spamtest and virustest (RFC 5235) are told: a filter's verdict, from a field that it has put
 * into the header. */
#ifndef POSTERN_MDA_LOCAL_SIEVE_SPAM_H
#define POSTERN_MDA_LOCAL_SIEVE_SPAM_H

#include <stddef.h>

/* Lines of the settings sieve-spamtest and sieve-virustest; more are exit 100. */
#define SPAM_LINES_MAX 32
#define SPAM_TEXTS 11 /* values of status_type text: 0 to 10 */

enum spam_type { SPAM_SCORE, SPAM_STRLEN, SPAM_TEXT };

/* A setting: lines of "name = value" in Pigeonhole's words. */
struct spam_test {
	char const *line[SPAM_LINES_MAX];
	unsigned int lines;
	enum spam_type type;
	char const *status, *status_regex; /* a field's name; null: none */
	char const *max, *max_regex;
	double max_value; /* 0: none */
	char const *text[SPAM_TEXTS];
};

/* Reads both settings; exit 100 where a line is none. */
void spam_settings(struct spam_test *spam, struct spam_test *virus);
/* The verdict over the message with this header, as a value from 1 to `scale`, or from 0 to 100
 * when scale is 100: 1; 0 it was not tested. `usual`: without a setting look for what rspamd and
 * SpamAssassin write. */
int spam_value(struct spam_test const *t, char const *header, size_t n, int usual,
    unsigned int scale, unsigned int *value);

#endif

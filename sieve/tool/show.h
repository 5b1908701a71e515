/* What came out of a run, for people and for programs: one action a line, in the order in which
 * they are to be carried out.
 *
 *     keep|fileinto "FOLDER"|redirect "ADDRESS"|discard|reject "TEXT"|ereject "TEXT"|vacation
 * "TEXT"| notify "URI", each followed by what else is known of it: NAME="VALUE", or a word alone
 *
 * and before them, if the script ended with an error, `error "SCRIPT" LINE "TEXT"`. Strings have
 * backslashes before quotes and backslashes, line ends as \n, other controls as \xHH. */
#ifndef POSTERN_SIEVE_TOOL_SHOW_H
#define POSTERN_SIEVE_TOOL_SHOW_H

#include <stdio.h>

#include "sieve/sieve.h"

/* inbox: what stands for the keep's folder, shown if it is not INBOX. */
void show_result(FILE *out, struct sieve_result const *r, char const *inbox);
/* An empty line and the message as the last action that stores or sends it has it. */
void show_message(FILE *out, struct sieve_result const *r, struct sieve_message const *original);

#endif

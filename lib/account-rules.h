/* The quota rules of an account, as text: a line for each, by its number; an empty line where one
 * is missing. What they mean: maildir/quota.h. */
#ifndef POSTERN_ACCOUNT_RULES_H
#define POSTERN_ACCOUNT_RULES_H

#include <stddef.h>

#include "lib/arena.h"

/* The most that an account has; one of a higher number does not count. */
#define ACCOUNT_RULES_MAX 32

/* The setting quota-rule, a rule on each line: everybody's. Null: there is none. */
char const *account_rules(struct arena *a);
/* An extra field's name[0..len): 1 for userdb_quota_rule, 2 for userdb_quota_rule2 ...; 0: another.
 */
unsigned int account_rule_number(char const *name, size_t len);
/* The rules with this one in the place of that number. rules may be null. */
char const *account_rule_put(
    struct arena *a, char const *rules, unsigned int number, char const *rule, size_t len);

#endif

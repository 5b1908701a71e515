/* Failures of authentication, per address and per account, over all connections: run/auth/failures
 * is a table of fixed size that all login parents map. Counts halve every LOGIN_HALVING_MINUTES;
 * the same wrong password (or token) from the same address counts once (a device that was
 * forgotten); SCRAM's failures cannot be told from one another and all count. Without the table
 * nothing is counted. */
#ifndef POSTERN_LOGIN_PENALTY_H
#define POSTERN_LOGIN_PENALTY_H

#include <stddef.h>

#define LOGIN_HALVING_MINUTES 10
/* Places in the table: of several in one place, the one that fails more often stays. */
#define LOGIN_FAILURES_SLOTS 16384
/* Failures that are still nobody's business. */
#define LOGIN_FAILURES_FREE 5

/* Recent failures. ip: null or "" for a peer that is not to be counted. */
unsigned int login_failures_address(char const *ip);
unsigned int login_failures_account(char const *login);
/* Counts one for both. what: n octets that tell this attempt from another. */
void login_failures_add(char const *ip, char const *login, void const *what, size_t n);

#endif

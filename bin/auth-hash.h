/* Password hashes as Dovecot writes them: {SCHEME}hash, or a bare crypt(3) hash. SCRAM's keys are
 * such a scheme too. */
#ifndef POSTERN_AUTH_HASH_H
#define POSTERN_AUTH_HASH_H

#include <skalibs/stralloc.h>

/* 1 right; 0 wrong, or the account is locked (empty, "*" or "!" in front); -1 a scheme that is not
 * known or not allowed ({PLAIN} without plain_ok), or a damaged hash. Takes the time of one hash in
 * every case but -1. */
int auth_hash_verify(char const *hash, char const *password, int plain_ok);
/* Takes the time that a wrong password takes, for an account that does not exist. */
void auth_hash_waste(char const *password);
/* {CRYPT}hash with a random salt: yescrypt, or sha512-crypt where libcrypt has none. Appended; 0 or
 * -1 with errno. */
int auth_hash_make(stralloc *out, char const *password);

/* 1 if the hash is slow to verify, so that what was found out is worth remembering. */
int auth_hash_is_slow(char const *hash);
/* Extra fields for etc/users with the SCRAM keys of a password (lib/scram.h), with a blank between
 * them. Appended; 0 or -1 with errno. */
int auth_hash_scram(stralloc *out, char const *password, unsigned int iterations);

#endif

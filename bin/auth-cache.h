/* Passwords that were right a moment ago: a webmail logs in for every page, and a good hash is
 * slow. run/auth/passwords holds one keyed digest per account, each over login, password and the
 * stored hash, so that a new password makes the old one's useless. The key is made with the file,
 * which a new boot and every day replaces. Without the directory nothing is remembered. */
#ifndef POSTERN_AUTH_CACHE_H
#define POSTERN_AUTH_CACHE_H

/* Places in the file: of several accounts in one place the last one stays. */
#define AUTH_CACHE_SLOTS 4096
/* Seconds after which the file is replaced, with its key. */
#define AUTH_CACHE_FILE_SECONDS 86400

/* 1 if this password was right for this hash within the last `seconds`; these also decide whether
 * there is a cache at all: with 0 the file is removed. */
int auth_cache_has(char const *login, char const *password, char const *hash, unsigned int seconds);
/* After auth_cache_has has said no: it was right now. */
void auth_cache_put(char const *login, char const *password, char const *hash);
/* Forgets file and key; before the account's program runs. */
void auth_cache_close(void);

#endif

/* What is remembered between messages: who got a vacation answer when (RFC 5230 4.2), which ids
 * have been seen (RFC 7352 3). A file of records of one size, each with a checksum, which is only
 * ever appended to or replaced: what is torn or damaged counts as not there. flock keeps the
 * programs that use it apart. It is not synced: what a power cut takes is an answer sent twice. */
#ifndef POSTERN_SIEVE_STATE_H
#define POSTERN_SIEVE_STATE_H

#include <stddef.h>
#include <stdint.h>

#define SIEVE_KEY 16 /* octets of a digest that stand for what is remembered */
/* Records of one file (RFC 5230 4.2: not less than 1000); beyond that the oldest go. */
#define SIEVE_STATE_RECORDS 10000
/* Milliseconds to wait for another program's lock; then it cannot be told. */
#define SIEVE_STATE_WAIT 5000

/* The key of texts: a digest of n strings, which may be null. */
void sieve_state_key(unsigned char key[static SIEVE_KEY], char const *const *s, size_t n);
/* The time at which the key was remembered last, if that counts until later than `now`: 1 and *when
 * (may be null); 0 not; -1 and errno. */
int sieve_state_find(
    char const *path, unsigned char const key[static SIEVE_KEY], int64_t now, int64_t *when);
/* Remembers the key, as of now, until `until`. 0 or -1 and errno. The file is made, the directory
 * is not. */
int sieve_state_put(
    char const *path, unsigned char const key[static SIEVE_KEY], int64_t now, int64_t until);
/* Both at one stroke: 1 it was not remembered from now - seconds on, and is now, until `until`; 0
 * it was; -1. */
int sieve_state_claim(char const *path, unsigned char const key[static SIEVE_KEY], int64_t now,
    uint64_t seconds, int64_t until);

#endif

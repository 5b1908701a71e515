/* FNV-1a (Fowler, Noll, Vo): hashes of 32 and 64 bits for tables in memory and for names. Quick, but
 * who chooses the text can make texts collide: where that costs more than a longer row, siphash.h. */
#ifndef POSTERN_FNV_H
#define POSTERN_FNV_H

#include <stddef.h>
#include <stdint.h>

#define FNV32_BEGIN 2166136261u
#define FNV64_BEGIN UINT64_C(14695981039346656037)

/* Goes on from h, the hash of what stands before s[0..n); one of the above begins. */
uint32_t fnv32(uint32_t h, char const *s, size_t n);
uint64_t fnv64(uint64_t h, char const *s, size_t n);
/* The same for texts in which ASCII letters are alike. */
uint32_t fnv32_folded(uint32_t h, char const *s, size_t n);

#endif

/* CRC-32C (Castagnoli; RFC 3720 12.1, appendix B.4): checksums of files of our own. By the
 * processor's instruction where it has one, else by tables. */
#ifndef POSTERN_CRC32C_H
#define POSTERN_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Goes on from seed, the checksum of what stands before s[0..n); 0 begins:
 * crc32c(crc32c(0, a), b) is the checksum of a and b together. */
uint32_t crc32c(uint32_t seed, void const *s, size_t n);
/* The same by tables alone, for tests. */
uint32_t crc32c_by_table(uint32_t seed, void const *s, size_t n);

#endif

#include "lib/crc32c.h"

#include <string.h>

#include "lib/sa.h"

#define POLYNOMIAL 0x82F63B78u /* bits reversed */
#define SLICES 8

/* slice[k][b]: octet b with k octets of zeros behind it. Made at first use: few machines need it. */
static uint32_t (*slice)[256];

static void
make_slices(void)
{
	slice = xmalloc(SLICES * sizeof *slice);
	for (uint32_t b = 0; b < 256; b++) {
		uint32_t c = b;
		for (int i = 0; i < 8; i++)
			c = c >> 1 ^ (c & 1 ? POLYNOMIAL : 0);
		slice[0][b] = c;
	}
	for (unsigned int k = 1; k < SLICES; k++)
		for (unsigned int b = 0; b < 256; b++)
			slice[k][b] = slice[k - 1][b] >> 8 ^ slice[0][slice[k - 1][b] & 255];
}

uint32_t
crc32c_by_table(uint32_t seed, void const *s, size_t n)
{
	unsigned char const *p = s;
	uint32_t c = ~seed;
	if (!slice)
		make_slices();
	for (; n >= SLICES; n -= SLICES, p += SLICES)
		c = slice[7][p[0] ^ (c & 255)] ^ slice[6][p[1] ^ (c >> 8 & 255)] ^
		    slice[5][p[2] ^ (c >> 16 & 255)] ^ slice[4][p[3] ^ c >> 24] ^ slice[3][p[4]] ^
		    slice[2][p[5]] ^ slice[1][p[6]] ^ slice[0][p[7]];
	for (; n; n--)
		c = c >> 8 ^ slice[0][(c ^ *p++) & 255];
	return ~c;
}

/* INSTRUCTION_TARGET, has_instruction, step (one octet), step8 (eight) */
#if defined(__x86_64__)
#define INSTRUCTION_TARGET __attribute__((target("sse4.2")))
#define has_instruction() __builtin_cpu_supports("sse4.2")
#define step(c, b) __builtin_ia32_crc32qi(c, b)
#define step8(c, v) ((uint32_t)__builtin_ia32_crc32di(c, v))
#elif defined(__aarch64__) && defined(__AARCH64EL__)
#include <sys/auxv.h>
#define HWCAP_CRC (1UL << 7) /* HWCAP_CRC32 of the kernel's asm/hwcap.h */
#define has_instruction() (getauxval(AT_HWCAP) & HWCAP_CRC)
#if defined(__clang__)
#define INSTRUCTION_TARGET __attribute__((target("crc")))
#define step(c, b) __builtin_arm_crc32cb(c, b)
#define step8(c, v) __builtin_arm_crc32cd(c, v)
#else
#define INSTRUCTION_TARGET __attribute__((target("+crc")))
#define step(c, b) __builtin_aarch64_crc32cb(c, b)
#define step8(c, v) __builtin_aarch64_crc32cx(c, v)
#endif
#endif

#ifdef INSTRUCTION_TARGET
/* The instruction takes three cycles, but a processor can have three under way: long texts are read
 * at three places at once. */
#define STREAM 128 /* octets */

/* What a checksum becomes by STREAM octets of zeros behind it, for each four bits of it: half a KiB,
 * as each process has its own. */
static uint32_t passed[8][16];

INSTRUCTION_TARGET static void
make_passed(void)
{
	for (unsigned int bit = 0; bit < 32; bit++) {
		uint32_t c = (uint32_t)1 << bit, *const t = passed[bit / 4];
		unsigned int const b = 1u << (bit % 4);
		for (unsigned int i = 0; i < STREAM; i += 8)
			c = step8(c, 0);
		for (unsigned int k = 0; k < b; k++)
			t[b + k] = t[k] ^ c;
	}
}

static inline uint32_t
pass(uint32_t c)
{
	uint32_t to = 0;
	for (unsigned int k = 0; k < 8; k++, c >>= 4)
		to ^= passed[k][c & 15];
	return to;
}

static inline uint64_t
octets8(unsigned char const *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof v);
	return v;
}

/* Three streams, one behind the other. */
INSTRUCTION_TARGET static inline uint32_t
three_streams(uint32_t c, unsigned char const *p)
{
	uint32_t d = 0, e = 0;
	for (unsigned int i = 0; i < STREAM; i += 8) {
		c = step8(c, octets8(p + i));
		d = step8(d, octets8(p + STREAM + i));
		e = step8(e, octets8(p + 2 * STREAM + i));
	}
	return pass(pass(c) ^ d) ^ e;
}

INSTRUCTION_TARGET static uint32_t
by_instruction(uint32_t seed, void const *s, size_t n)
{
	unsigned char const *p = s;
	uint32_t c = ~seed;
	if (n >= 3 * STREAM && !passed[0][1])
		make_passed();
	for (; n >= 3 * STREAM; n -= 3 * STREAM, p += 3 * STREAM)
		c = three_streams(c, p);
	for (; n >= 8; n -= 8, p += 8)
		c = step8(c, octets8(p));
	for (; n; n--)
		c = step(c, *p++);
	return ~c;
}
#endif

uint32_t
crc32c(uint32_t seed, void const *s, size_t n)
{
#ifdef INSTRUCTION_TARGET
	if (has_instruction())
		return by_instruction(seed, s, n);
#endif
	return crc32c_by_table(seed, s, n);
}

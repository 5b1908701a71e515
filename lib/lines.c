#include "lib/lines.h"

#include <stdint.h>
#include <string.h>

/* Vectors as GCC and Clang have them for every processor: of 32 octets where AVX2 is there, else
 * the compiler makes two of 16 of each. */
#define WIDE 32
typedef unsigned char octets __attribute__((vector_size(WIDE)));
typedef uint64_t words __attribute__((vector_size(WIDE)));
#define TURNS 255 /* a lane counts so far */
#define SHORT 200 /* octets up to which vectors are not worth it */
#define LOW_OCTETS UINT64_C(0x00FF00FF00FF00FF)
#define ADD_PAIRS                                                                                  \
	UINT64_C(0x0001000100010001) /* a product's highest 16 bits are the sum of all             \
				      */
#define AT_ONCE 8 /* vectors that are looked at before it is asked whether there was a hit */

#define IN_BOTH static inline __attribute__((always_inline))

/* GCC folds these into what the processor has; written out as functions, they would be calls. */
#define LOAD(v, s) memcpy(&(v), s, WIDE)

/* The sum of all lanes, of which none counts more than 255. */
IN_BOTH size_t
sum(octets const *lanes)
{
	words const low = {LOW_OCTETS, LOW_OCTETS, LOW_OCTETS, LOW_OCTETS};
	words const w = (words)*lanes, pairs = (w & low) + (w >> 8 & low);
	return (size_t)((pairs[0] + pairs[1] + pairs[2] + pairs[3]) * ADD_PAIRS >> 48);
}

/* Counts in whole vectors, s[0..n) with n a multiple of WIDE; s[-1] exists. */
IN_BOTH struct lines
count_wide(char const *s, size_t n)
{
	struct lines got = {0, 0};
	for (char const *const end = s + n; s < end;) {
		octets ends = {0}, bare = {0};
		for (unsigned int i = 0; i < TURNS && s < end; i++, s += WIDE) {
			octets here, before;
			LOAD(here, s);
			LOAD(before, s - 1);
			octets const lf = (octets)(here == '\n');
			ends -= lf;
			bare -= lf & (octets)(before != '\r');
		}
		got.ends += sum(&ends);
		got.bare += sum(&bare);
	}
	return got;
}

/* How many octets, a multiple of WIDE * AT_ONCE, hold no "\n--"; s[0..n + 2) exists. */
IN_BOTH size_t
pass_wide(char const *s, size_t n)
{
	size_t done = 0;
	for (; n - done >= WIDE * AT_ONCE; done += WIDE * AT_ONCE) {
		octets hit = {0};
		for (unsigned int i = 0; i < AT_ONCE; i++) {
			octets lf, first, second;
			LOAD(lf, s + done + i * WIDE);
			LOAD(first, s + done + i * WIDE + 1);
			LOAD(second, s + done + i * WIDE + 2);
			hit |=
			    (octets)(lf == '\n') & (octets)(first == '-') & (octets)(second == '-');
		}
		words const w = (words)hit;
		if (w[0] | w[1] | w[2] | w[3])
			break;
	}
	return done;
}

/* The first lane that is not 0, of those in w. */
IN_BOTH unsigned int
first_of(words const *w)
{
	for (unsigned int i = 0;; i++)
		if ((*w)[i])
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
			return 8 * i + (unsigned int)__builtin_ctzll((*w)[i]) / 8;
#else
			return 8 * i + (unsigned int)__builtin_clzll((*w)[i]) / 8;
#endif
}

IN_BOTH int
any(octets const *lanes)
{
	words const w = (words)*lanes;
	return (w[0] | w[1] | w[2] | w[3]) != 0;
}

/* A vector is copied as it is; behind its first bare LF the next begins. */
IN_BOTH struct lines_copied
copy_crlf_wide(char *out, size_t max, char const *s, size_t n, char before)
{
	char const *p = s;
	char *o = out;
	octets nul = {0};
	while (n - (size_t)(p - s) >= WIDE && max - (size_t)(o - out) > WIDE) {
		octets here;
		LOAD(here, p);
		memcpy(o, &here, WIDE);
		nul |= (octets)(here == 0);
		words const w = (words)(here == '\n');
		if (!(w[0] | w[1] | w[2] | w[3])) {
			p += WIDE;
			o += WIDE;
			continue;
		}
		unsigned int const k = first_of(&w);
		if ((p + k > s ? p[(ptrdiff_t)k - 1] : before) != '\r') {
			o[k] = '\r';
			o++;
		}
		o[k] = '\n';
		p += k + 1;
		o += k + 1;
	}
	return (struct lines_copied){(size_t)(p - s), (size_t)(o - out), any(&nul)};
}

#if defined(__x86_64__)
#define AVX2 __attribute__((target("avx2")))
AVX2 static struct lines
count_avx2(char const *s, size_t n)
{
	return count_wide(s, n);
}
AVX2 static size_t
pass_avx2(char const *s, size_t n)
{
	return pass_wide(s, n);
}

#define BLOCK 64 /* octets whose line ends are bits of one word */
typedef char signs __attribute__((vector_size(WIDE)));

struct block {
	octets low, high;
};

AVX2 static inline struct block
load_block(char const *from)
{
	struct block b;
	LOAD(b.low, from);
	LOAD(b.high, from + WIDE);
	return b;
}

AVX2 static inline void
store_block(char *to, struct block b)
{
	memcpy(to, &b.low, WIDE);
	memcpy(to + WIDE, &b.high, WIDE);
}

/* A bit for each LF. */
AVX2 static inline uint64_t
ends_in(struct block b)
{
	unsigned int const low = (unsigned int)__builtin_ia32_pmovmskb256((signs)(b.low == '\n'));
	unsigned int const high = (unsigned int)__builtin_ia32_pmovmskb256((signs)(b.high == '\n'));
	return (uint64_t)high << WIDE | low;
}

/* A block is copied as it is, and what begins with each bare LF of it once more, an octet further.
 * So the next block never waits for where this one's line ends are. A turn reads less than two
 * blocks, and writes less than two and a CR for each octet of one. */
AVX2 static struct lines_copied
copy_crlf_avx2(char *out, size_t max, char const *s, size_t n, char before)
{
	char const *p = s;
	char *o = out;
	octets nul = {0};
	while (n - (size_t)(p - s) >= 2 * BLOCK && max - (size_t)(o - out) >= 3 * BLOCK) {
		struct block const b = load_block(p);
		store_block(o, b);
		nul |= (octets)(b.low == 0) | (octets)(b.high == 0);
		for (uint64_t ends = ends_in(b); ends; ends &= ends - 1) {
			unsigned int const k = (unsigned int)__builtin_ctzll(ends);
			if ((p + k > s ? p[(ptrdiff_t)k - 1] : before) == '\r')
				continue;
			o[k] = '\r';
			o++;
			store_block(o + k, load_block(p + k));
		}
		p += BLOCK;
		o += BLOCK;
	}
	struct lines_copied const rest = copy_crlf_wide(
	    o, max - (size_t)(o - out), p, n - (size_t)(p - s), p > s ? p[-1] : before);
	return (struct lines_copied){
	    (size_t)(p - s) + rest.from, (size_t)(o - out) + rest.to, rest.nul | any(&nul)};
}
#define BY_BEST(f, ...)                                                                            \
	(__builtin_cpu_supports("avx2") ? f##_avx2(__VA_ARGS__) : f##_wide(__VA_ARGS__))
#else
#define BY_BEST(f, ...) f##_wide(__VA_ARGS__)
#endif

struct lines_copied
lines_copy_crlf(char *out, size_t max, char const *s, size_t n, char before)
{
	return BY_BEST(copy_crlf, out, max, s, n, before);
}

struct lines
lines_count(char const *s, size_t n, char before)
{
	struct lines got = {0, 0};
	char const *const end = s + n;
	if (n > SHORT) {
		size_t const wide = (n - 1) / WIDE * WIDE;
		got = BY_BEST(count, s + 1, wide);
		if (*s == '\n') {
			got.ends++;
			got.bare += before != '\r';
		}
		s += wide;
		before = *s++;
	}
	for (char const *p = s; (p = memchr(p, '\n', (size_t)(end - p))); p++) {
		got.ends++;
		got.bare += (p > s ? p[-1] : before) != '\r';
	}
	return got;
}

char const *
lines_dashes(char const *s, size_t n)
{
	char const *const end = s + n;
	if (n > 2)
		s += BY_BEST(pass, s, n - 2);
	while (end - s > 2 && (s = memchr(s, '\n', (size_t)(end - s) - 2))) {
		s++;
		if (s[0] == '-' && s[1] == '-')
			return s;
	}
	return 0;
}

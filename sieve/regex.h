/* POSIX extended regular expressions (IEEE Std 1003.1 9.4, as draft-murchison-sieve-regex wants
 * them) over UTF-8, by a machine that is in all its states at once (Thompson 1968, Pike): the time
 * is at most the program's length times the text's, whatever the pattern.
 *
 * Of all matches the leftmost counts, of these the longest; of subexpressions, those further left
 * take as much as they can. There are no back-references: no machine of this kind has them, and
 * patterns with them are refused. As in glibc: \w \W \s \S \b \B \< \> are understood, an unmatched
 * ")" is itself, empty alternatives and groups are allowed. */
#ifndef POSTERN_SIEVE_REGEX_H
#define POSTERN_SIEVE_REGEX_H

#include <stddef.h>
#include <stdint.h>

/* Octets of a pattern; counted repetitions of one thing; groups; what is inside what; instructions
 * that the pattern becomes, counted repetitions written out. Each has its own error. */
#define REGEX_PATTERN_MAX 4096
#define REGEX_REPEAT_MAX 1000
#define REGEX_GROUPS_MAX 100
#define REGEX_DEPTH_MAX 100
#define REGEX_PROGRAM_MAX 8000
/* Steps of one match (a state for one character): regex_match says -1. */
#define REGEX_STEPS_MAX 50000000

struct regex_code; /* sieve/regex-code.h */
struct regex_set;
struct regex_space; /* of a match, kept for the next */

struct sieve_regex {
	struct regex_code *code;
	struct regex_set *set;
	struct regex_space *space;
	uint32_t len, sets;
	unsigned int groups; /* the whole not counted */
	int icase;
	int anchored;		      /* no match begins but where the text does */
	unsigned char first[256 / 8]; /* octets that a match may begin with */
	int empty;		      /* it may have none */
	uint64_t steps;		      /* of the last match */
};
/* clang-format off */
#define SIEVE_REGEX_ZERO {0, 0, 0, 0, 0, 0, 0, 0, {0}, 0, 0}
/* clang-format on */

/* Where something is in the text; from is SIZE_MAX: it had no part in the match. */
struct regex_span {
	size_t from, to;
};

/* Compiles pattern[0..n), which must be UTF-8; icase: ASCII letters are alike in both cases
 * (i;ascii-casemap). 0; -1 with *error, a constant, and re is as SIEVE_REGEX_ZERO. */
int regex_compile(
    struct sieve_regex *re, char const *pattern, size_t n, int icase, char const **error);
/* Is there a match in text[0..n)? 1, 0, or -1: REGEX_STEPS_MAX. capture[0] becomes where it is,
 * capture[i] where group i is, as far as there is room for `max`; with none the answer is quicker.
 * Octets of the text that are no UTF-8 are characters that equal none. */
int regex_match(
    struct sieve_regex *re, char const *text, size_t n, struct regex_span *capture, size_t max);
void regex_free(struct sieve_regex *re);

#endif

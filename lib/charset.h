/* From the octets of a message to UTF-8: charsets, transfer encodings, encoded words.
 *
 * us-ascii, UTF-8, ISO-8859-x, windows-125x and KOI8 are tables of ours (lib/charset-tables.c, made
 * by scripts/charset-tables); others need iconv, which lives in lib/charset-iconv.c, so that a
 * statically linked program that does not name charset_iconv does not carry it. */
#ifndef POSTERN_CHARSET_H
#define POSTERN_CHARSET_H

#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>

#include "lib/base64.h"
#include "lib/qp.h"

#define CHARSET_NAME_MAX 64 /* longer names are unknown */

struct charset;
/* Opens a charset by other means: 0, or -1 if there is none of this name (a C string). */
typedef int charset_open_fn(struct charset *c, char const *name);
extern charset_open_fn charset_iconv;

/* A converter of a stream. */
struct charset {
	/* Converts s[0..n), appending UTF-8; keeps what is incomplete in `held` unless `last`. What
	 * cannot be converted becomes U+FFFD. */
	void (*feed)(struct charset *c, stralloc *out, char const *s, size_t n, int last);
	void (*close)(struct charset *c); /* may be null */
	uint16_t const *table;		  /* octets 128 to 255 */
	void *iconv;
	char held[16];
	unsigned int held_len;
};

/* Opens the converter for name[0..n) (any case, RFC 2978; empty is us-ascii). `otherwise` is asked
 * for names that are not built in; null for none. 0, or -1: BADCHARSET. */
int charset_open(struct charset *c, char const *name, size_t n, charset_open_fn *otherwise);
/* As c->feed. */
void charset_feed(struct charset *c, stralloc *out, char const *s, size_t n, int last);
void charset_close(struct charset *c);
/* The whole of s[0..n), appended: 0, or -1 if there is no such charset; then nothing is appended.
 */
int charset_to_utf8(stralloc *out, char const *name, size_t name_len, char const *s, size_t n,
    charset_open_fn *otherwise);

/* Content-Transfer-Encoding (RFC 2045 6), a stream. 7bit, 8bit and binary are the identity. */
enum cte { CTE_IDENTITY, CTE_BASE64, CTE_QP, CTE_UNKNOWN };
/* By its token (any case, may be null for none). CTE_UNKNOWN: its text cannot be read. */
enum cte cte_by_name(char const *name);
struct cte_stream {
	enum cte cte;
	struct base64_stream base64;
	struct qp_stream qp;
};
void cte_start(struct cte_stream *c, enum cte cte);
/* Appends what s[0..n) decodes to, leniently. `last`: nothing will follow. */
void cte_feed(struct cte_stream *c, stralloc *out, char const *s, size_t n, int last);

/* Appends the unfolded text s[0..n) of a field with its encoded words (RFC 2047) decoded to UTF-8.
 * Blanks between two encoded words go; words that follow each other in one charset are joined
 * before conversion, so that characters split between them come out whole. Words that cannot be
 * decoded stay as they are; other octets above 127 that are not UTF-8 become U+FFFD. */
void charset_decode_words(stralloc *out, char const *s, size_t n, charset_open_fn *otherwise);

#endif

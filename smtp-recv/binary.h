/* BODY=BINARYMIME (RFC 3030): a message with binary parts becomes one of lines, while it comes in,
 * since the store keeps lines and nobody behind this server takes anything else. Leaves with
 * Content-Transfer-Encoding: binary become base64; of multiparts and messages, which must not be
 * encoded (RFC 2045 6.4), the field becomes 8bit or 7bit, as their content then is. All else goes
 * through as it came, and is judged as any message's octets are. Memory does not depend on the
 * message. */
#ifndef SMTP_RECV_BINARY_H
#define SMTP_RECV_BINARY_H

#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>

#include "lib/arena.h"
#include "lib/header.h"
#include "lib/mime.h"
#include "smtp-recv/limits.h"

#define BINARY_LINE 57 /* octets that a line of 76 characters stands for, RFC 2045 6.8 */

/* Where the converted message goes; lines end in CR LF. */
struct binary_sink {
	void (*put)(void *arg, char const *s, size_t n);
	/* A place in what was put so far, at a line's beginning. */
	uint64_t (*place)(void *arg);
	/* The four octets in front of the line end before that place shall be "7bit". */
	void (*sevenbit)(void *arg, uint64_t place);
	void *arg;
};

/* A multipart or a message that is open, or any part whose field awaits its final value. */
struct binary_level {
	char boundary[MIME_BOUNDARY_MAX];
	size_t len;	/* of the boundary; 0: there is none (any more) */
	uint64_t place; /* behind the field that is to be "7bit" */
	int open_field; /* there is such a field */
	int eightbit;	/* in its content */
	int digest, is_signed;
};

struct binary {
	struct binary_sink sink;
	int failed; /* it cannot be converted; the rest is dropped */
	enum binary_mode { BINARY_HEADER, BINARY_AS_IS, BINARY_ENCODE } mode;
	struct binary_level *levels; /* MIME_DEPTH_MAX */
	unsigned int depth;
	/* The octets of a line that may be a boundary's, or of a header's line. */
	stralloc line;
	int bol;  /* at the beginning of a line, or within what `line` has of it */
	int cr;	  /* a CR is held back */
	int owed; /* a line end is held back: it may be the boundary's (RFC 2046 5.1.1) */
	/* Of the header at hand. */
	struct arena arena;
	stralloc field;				      /* a content field, until it ends */
	enum mime_field kind;			      /* which; MIME_FIELDS: another */
	int has_type, has_encoding, binary, is_coded; /* coded: base64 or quoted-printable */
	struct mime_value type;
	/* Of the part that is encoded. */
	char rest[BINARY_LINE];
	size_t rest_len;
	int begun;	  /* a line stands before the next one */
	stralloc encoded; /* of lines that are yet to be put */
};

void binary_init(struct binary *b, struct binary_sink const *sink);
void binary_feed(struct binary *b, char const *s, size_t n);
/* The message is complete. */
void binary_end(struct binary *b);
void binary_free(struct binary *b);

/* ---- between binary.c and binary-header.c ---- */

/* Puts octets as they are, and notes 8-bit ones for the part that they stand in. */
void binary_put(struct binary *b, char const *s, size_t n);
/* Another part's header begins. */
void binary_header_begin(struct binary *b);
/* A line of it, not the empty one, without its CR LF. */
void binary_header_line(struct binary *b, char const *s, size_t n);
/* The beginning of one that is too long for a content field; the rest does not matter. */
void binary_header_long(struct binary *b, char const *s, size_t n);
/* The empty line has come; or the part is over before that. */
void binary_header_end(struct binary *b);
void binary_header_cut(struct binary *b);

#endif

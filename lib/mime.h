/* The MIME structure of a message in memory (RFC 2045, 2046), from one pass over its octets.
 *
 * Lines may end in LF or CR LF. Offsets count octets in memory; sizes named wire count each line
 * end as CR LF, as IMAP and POP3 do. Broken messages are taken as Dovecot takes them: a multipart
 * without a boundary or a boundary line is a multipart with no parts that only has text, one
 * without an end ends with its parent, a boundary line may come inside a part's header.
 * doc/differences.md lists where another reading is taken, and why. */
#ifndef POSTERN_MIME_H
#define POSTERN_MIME_H

#include <stddef.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/header.h"

#define MIME_DEPTH_MAX 100   /* parts inside parts; a deeper one is left unparsed, as a leaf */
#define MIME_PARTS_MAX 10000 /* parts of a message; what follows is text of the last one */
#define MIME_PARAM_MAX 100   /* parameters of one field; more are left out */
#define MIME_BOUNDARY_MAX 80 /* octets of a boundary that count; RFC 2046 5.1.1 allows 70 */

/* Octets of a message's Content-* fields that are kept, all parts together; further fields are as
 * if they were not there. */
#define MIME_FIELDS_OCTETS ((size_t)1 << 20)

/* The fields that a part's structure is made of. */
enum mime_field {
	MIME_CONTENT_TYPE,
	MIME_CONTENT_ENCODING,
	MIME_CONTENT_ID,
	MIME_CONTENT_DESCRIPTION,
	MIME_CONTENT_DISPOSITION,
	MIME_CONTENT_LANGUAGE,
	MIME_CONTENT_LOCATION,
	MIME_CONTENT_MD5,
	MIME_FIELDS
};

enum mime_kind { MIME_LEAF, MIME_MULTIPART, MIME_MESSAGE };

struct mime_part {
	struct mime_part *parent, *next, *children;
	enum mime_kind kind; /* MIME_MESSAGE (message/rfc822): one child, the message */
	int digest;	     /* multipart/digest: its parts are message/rfc822 by default */
	unsigned int level;  /* parents */
	unsigned int count;  /* children */
	/* In memory: header is [header, body), the empty line included; body is [body, end). */
	size_t header, body, end;
	/* On the wire. Lines are line ends. */
	uint64_t header_wire, body_wire;
	uint32_t header_lines, body_lines;
	/* First field of each kind; start is null where there is none. */
	struct header_field fields[MIME_FIELDS];
	struct mime_value const *type; /* see mime_part_type */
};

/* Parses msg[0..n). Never null; everything lives in a, and points into msg, which must stay. */
struct mime_part *mime_parse(struct arena *a, char const *msg, size_t n);

/* One parameter of Content-Type or Content-Disposition; C strings. */
struct mime_param {
	char const *name;  /* as written */
	char const *value; /* unquoted; see mime_value */
};

/* A structured value: `type/subtype; name=value ...` or `disposition; name=value ...`. */
struct mime_value {
	char const *type;    /* null if missing or unreadable */
	char const *subtype; /* null then, and for a disposition */
	unsigned int count;
	struct mime_param *params;
};
/* Reads Content-Type (RFC 2045 5.1): 0, or -1 if there is no type "/" subtype. Continued parameters
 * (RFC 2231 3) are joined; extended ones keep their `charset'language'%xx` text and their "*",
 * which is how IMAP shows them. */
int mime_content_type(struct arena *a, struct header_field const *f, struct mime_value *v);
/* The part's own, which need not be read again if mime_parse had to: 0 or -1. */
int mime_part_type(struct arena *a, struct mime_part const *p, struct mime_value *v);
/* Content-Disposition (RFC 2183): 0 or -1; type is "" if it has none. */
int mime_disposition(struct arena *a, struct header_field const *f, struct mime_value *v);
/* A parameter by its name (any case), without "*": its value, for extended ones still encoded, with
 * *extended set; null if there is none. */
char const *mime_param(struct mime_value const *v, char const *name, int *extended);
/* Appends the UTF-8 text of an extended value `charset'language'%xx...` (RFC 2231 4); in a charset
 * that is not built in, octets above 127 become U+FFFD. 0, or -1 if s is not of that form. */
int mime_param_decode(stralloc *out, char const *s);

/* Appends a media type in lower case: "text/plain" where there is none, "message/rfc822" in a
 * digest (RFC 2046 5.1.5). */
void mime_type(stralloc *out, struct arena *a, struct mime_part const *p);
/* Content-Transfer-Encoding's token, or null. In a. */
char const *mime_encoding(struct arena *a, struct mime_part const *p);

#endif

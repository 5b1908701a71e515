/* What is made once of a message and kept: the texts that IMAP sends about it, and the keys by
 * which it is sorted and threaded. Each is the very octets that go out, or are compared. */
#ifndef POSTERN_MESSAGE_TEXT_H
#define POSTERN_MESSAGE_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>

#include "lib/arena.h"
#include "lib/charset.h"

/* Octets of one kind that are kept; a longer one is made anew each time. TEXT_SORT and TEXT_THREAD
 * always fit: */
#define MESSAGE_TEXT_MAX 65535
#define MESSAGE_SORT_MAX 8192 /* octets of one key; behind them strings count as equal */
#define MESSAGE_ID_MAX 1000   /* octets of a message id as written; a longer one is not valid */
#define MESSAGE_REFERENCES_MAX 60000 /* octets of all references; of more, the last are kept */
#define MESSAGE_PREVIEW_MAX 200	     /* characters (RFC 8970 3.3) */

enum message_text {
	TEXT_ENVELOPE, /* RFC 3501 7.4.2, the parenthesised list */
	/* The common fields (lib/header-name.h) as IMAP sends them, in the message's order, each
	 * with its CR LF; no empty line. Not of a header longer than IMAP_HEADER_MAX. */
	TEXT_HEADERS,
	TEXT_SORT,	    /* RFC 5256 section 2.2 and RFC 5957: see message_sort_keys */
	TEXT_THREAD,	    /* RFC 5256 section 2.1 and 3: see message_thread_keys */
	TEXT_BODY,	    /* the kinds from here on need the whole message, not only its header */
	TEXT_BODYSTRUCTURE, /* RFC 3501 7.4.2 */
	/* RFC 8970: the text itself in UTF-8, at most MESSAGE_PREVIEW_MAX characters, without what
	 * is quoted of other messages; may be empty */
	TEXT_PREVIEW,
	TEXT_KINDS
};
#define TEXT_FROM_HEADER ((1u << TEXT_BODY) - 1) /* bits 1 << kind */
#define TEXT_ALL ((1u << TEXT_KINDS) - 1)

/* Some kinds of one message. s[k] is not terminated and belongs to whoever made it. */
struct message_texts {
	unsigned int has; /* bits 1 << kind */
	char const *s[TEXT_KINDS];
	uint32_t len[TEXT_KINDS];
};

/* Makes the kinds asked for (bits) of the message msg[0..n), of which the header is msg[0..body).
 * The texts live in the arena until it is reset. What is longer than MESSAGE_TEXT_MAX is left out.
 * Kinds that need the body need all of the message; with a header alone ask for TEXT_FROM_HEADER.
 */
void message_texts_make(struct message_texts *t, struct arena *a, char const *msg, size_t n,
    size_t body, unsigned int kinds);
/* The same with other means for charsets that are not built in (lib/charset.h). With null, what
 * needs one is left out (TEXT_SORT, TEXT_PREVIEW): a statically linked program carries no iconv. */
void message_texts_make_by(struct message_texts *t, struct arena *a, char const *msg, size_t n,
    size_t body, unsigned int kinds, charset_open_fn *otherwise);

/* Is this header field (any case) one that TEXT_HEADERS holds whenever the message has it? */
int message_text_common(char const *name, size_t len);

/* TEXT_SORT taken apart. Strings point into the text; comparing octets compares as
 * i;unicode-casemap (RFC 5051) does. */
struct message_sort {
	int64_t date; /* UTC seconds of the Date field; INT64_MIN: none that can be read */
	/* base subject; mailbox part of the first From, To, Cc; RFC 5957's display names */
	char const *subject, *from, *to, *cc, *display_from, *display_to;
	uint16_t subject_len, from_len, to_len, cc_len, display_from_len, display_to_len;
	int reply; /* the subject had "Re:", "Fwd:" or the like (RFC 5256 2.1, step 6) */
};
/* 1, or 0 if the text is damaged. */
int message_sort_keys(struct message_sort *k, char const *s, size_t len);

/* TEXT_THREAD: message ids, without angle brackets and with quoting resolved (RFC 5256 3), each
 * ended by LF; the first is the message's own (empty: none), the rest its references, oldest first.
 * Begin with *at 0; 1 and the next id, or 0. */
int message_thread_keys(char const *s, size_t len, size_t *at, char const **id, size_t *id_len);

#endif

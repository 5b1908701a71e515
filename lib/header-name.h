/* Names of header fields that mean something to the store: looked up once per field of a message. */
#ifndef POSTERN_HEADER_NAME_H
#define POSTERN_HEADER_NAME_H

#include <stddef.h>

enum header_name {
	HEADER_OTHER,
	HEADER_COMMON, /* clients ask for it in their lists of messages; else as HEADER_OTHER */
	/* ENVELOPE's fields in its order (RFC 3501 7.4.2) */
	HEADER_DATE,
	HEADER_SUBJECT,
	HEADER_FROM,
	HEADER_SENDER,
	HEADER_REPLY_TO,
	HEADER_TO,
	HEADER_CC,
	HEADER_BCC,
	HEADER_IN_REPLY_TO,
	HEADER_MESSAGE_ID,
	HEADER_REFERENCES,
	HEADER_NAMES
};

/* By name[0..len), any case. All but HEADER_OTHER are common. */
enum header_name header_name(char const *name, size_t len);

#endif

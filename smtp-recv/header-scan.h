/* What smtp-recv wants to know of a header while it goes by. Pure; input in any cuts. */
#ifndef SMTP_RECV_HEADER_SCAN_H
#define SMTP_RECV_HEADER_SCAN_H

#include <stddef.h>

#define HEADER_NAME_MAX 16 /* longer names are none that are looked for */

struct header_scan {
	unsigned int received; /* Received fields: RFC 5321 6.3 */
	int date, message_id;  /* there is such a field */
	int done;	       /* the empty line has come */
	char name[HEADER_NAME_MAX];
	size_t len; /* octets of the current line's name so far, HEADER_NAME_MAX + 1: not a name */
};
#define HEADER_SCAN_ZERO                                                                           \
	{                                                                                          \
		0, 0, 0, 0, "", 0                                                                  \
	}

/* Message bytes with LF line ends. */
void header_scan_feed(struct header_scan *h, char const *s, size_t n);

#endif

/* An mbox (RFC 4155 and its cousins): where its messages lie, what its fields say about them, and
 * their content without what belongs to the mbox. Reads with pread; memory does not depend on the
 * size of file, message or line. */
#ifndef POSTERN_MAILDIR_TOOL_MBOX_H
#define POSTERN_MAILDIR_TOOL_MBOX_H

#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>

#include "maildir/tool/limits.h"

/* How a line of a message that begins with From_ is told from the beginning of the next message. */
enum mbox_format {
	MBOX_ANY, /* by Content-Length where that leads to the next From_ line, else as MBOX_RD */
	MBOX_O,	  /* ">From " stands for "From " */
	MBOX_RD,  /* one ">" before From_ and any number of ">" is taken off */
	MBOX_CL,  /* MBOX_O, and Content-Length where it is right */
	MBOX_CL2, /* nothing is quoted: Content-Length */
	MBOX_FORMATS
};

#define MBOX_NO_DATE INT64_MIN

struct mbox {
	int fd;
	enum mbox_format format;
	uint64_t at;	 /* where the next message begins */
	uint32_t number; /* of messages found */
	/* From the first message's X-IMAPbase or X-IMAP; 0: none. */
	uint32_t uidvalidity, last_uid;
	/* The window: buf[0..buf_len) stands at buf_at. */
	uint64_t buf_at;
	size_t buf_len;
	char buf[TOOL_MBOX_LINE];
};

struct mbox_message {
	uint64_t from, header, body, end; /* From_ line, header, body, behind the last octet */
	int by_length;			  /* Content-Length gave the end */
	int crlf;			  /* lines end in CR LF, which becomes LF */
	int internal;	    /* the folder's own data, no message (Pine's, UW-IMAP's) */
	int64_t date;	    /* of the From_ line */
	unsigned int flags; /* enum message_flag, of Status and X-Status */
	uint32_t uid;	    /* X-UID; 0: none */
	stralloc keywords;  /* of X-Keywords: each with a NUL */
};

/* fd stays the caller's. */
void mbox_init(struct mbox *m, int fd, enum mbox_format format);
/* The next message. 1; 0 at the end; -1 errno (EINVAL: what stands here is no From_ line).
 * e->keywords is to be zeroed before the first call and freed after the last. */
int mbox_next(struct mbox *m, struct mbox_message *e);
/* Gives the content piece by piece: without From_ line, quoting, the state's fields (Status,
 * X-Status, X-Keywords, X-UID, X-IMAPbase, X-IMAP), and Content-Length where that gave the end. 0;
 * -1 on a read error, or what fn returned if not 0. */
typedef int mbox_fn(void *arg, char const *s, size_t n);
int mbox_content(struct mbox *m, struct mbox_message const *e, mbox_fn *fn, void *arg);

/* Is s[0..n) a From_ line: "From ", anything, and a date as of asctime(3), with or without seconds
 * and a zone before or behind the year? Without a zone it is of the zone that TZ names. */
int mbox_from_line(char const *s, size_t n, int64_t *date);
/* Is this (C string or not, any case) a field that belongs to the mbox and not to the message? */
int mbox_state_field(char const *name, size_t len);

#endif

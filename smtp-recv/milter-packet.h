/* The packets of the milter protocol, version 6: what a filter's bytes mean and how ours are
 * written. Pure. A packet is a length in four octets (big-endian), a letter, and data; strings in
 * it end with a NUL. */
#ifndef SMTP_RECV_MILTER_PACKET_H
#define SMTP_RECV_MILTER_PACKET_H

#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>

#define MILTER_VERSION 6
#define MILTER_VERSION_MIN 2 /* nothing older is in use */

/* What a filter may do to a message, when it said so before. */
enum {
	MILTER_MAY_ADD_HEADER = 0x1,
	MILTER_MAY_BODY = 0x2,
	MILTER_MAY_ADD_RCPT = 0x4,
	MILTER_MAY_DEL_RCPT = 0x8,
	MILTER_MAY_HEADER = 0x10,
	MILTER_MAY_QUARANTINE = 0x20,
	MILTER_MAY_FROM = 0x40,
	MILTER_MAY_ADD_RCPT_ARGS = 0x80,
	MILTER_MAY_MACROS = 0x100,
	MILTER_MAY_ALL = 0x1ff,
};

/* What a filter does not want to be sent (NO), and what it will not answer (NR). */
enum {
	MILTER_NO_CONNECT = 0x1,
	MILTER_NO_HELO = 0x2,
	MILTER_NO_MAIL = 0x4,
	MILTER_NO_RCPT = 0x8,
	MILTER_NO_BODY = 0x10,
	MILTER_NO_HEADERS = 0x20,
	MILTER_NO_EOH = 0x40,
	MILTER_NR_HEADER = 0x80,
	MILTER_NO_UNKNOWN = 0x100,
	MILTER_NO_DATA = 0x200,
	MILTER_SKIP = 0x400,	 /* it may answer "skip" to a piece of the body */
	MILTER_RCPT_REJ = 0x800, /* it wants to see refused recipients, too */
	MILTER_NR_CONNECT = 0x1000,
	MILTER_NR_HELO = 0x2000,
	MILTER_NR_MAIL = 0x4000,
	MILTER_NR_RCPT = 0x8000,
	MILTER_NR_DATA = 0x10000,
	MILTER_NR_UNKNOWN = 0x20000,
	MILTER_NR_EOH = 0x40000,
	MILTER_NR_BODY = 0x80000,
	MILTER_LEADING_SPACE = 0x100000, /* field bodies keep the blank behind the colon */
	MILTER_PROTOCOL_ALL = 0x1fffff,
};

/* Stages that macros belong to, as the protocol numbers them. */
enum milter_stage {
	MILTER_AT_CONNECT,
	MILTER_AT_HELO,
	MILTER_AT_MAIL,
	MILTER_AT_RCPT,
	MILTER_AT_DATA,
	MILTER_AT_EOM,
	MILTER_AT_EOH,
	MILTER_STAGES,
};

struct milter_options {
	uint32_t version, actions, protocol;
	char const *macros[MILTER_STAGES]; /* the filter's own lists; null: it named none */
};

/* What a filter says. From MILTER_ADD_HEADER on: a change, only behind the message's end. */
enum milter_kind {
	MILTER_CONTINUE,
	MILTER_ACCEPT,
	MILTER_REJECT,
	MILTER_DISCARD,
	MILTER_TEMPFAIL,
	MILTER_REPLY, /* text: "550 5.7.1 words", perhaps of several lines */
	MILTER_CLOSE, /* shutdown, connection failure */
	MILTER_SKIPS,
	MILTER_PROGRESS,
	MILTER_ADD_HEADER,    /* name, text */
	MILTER_INSERT_HEADER, /* index, name, text */
	MILTER_CHANGE_HEADER, /* index, name, text; empty text: take it away */
	MILTER_BODY,	      /* text, len: the next piece of the new body */
	MILTER_ADD_RCPT,      /* text, args or null */
	MILTER_DEL_RCPT,      /* text */
	MILTER_FROM,	      /* text, args or null */
	MILTER_QUARANTINE,    /* text: the reason */
};

struct milter_answer {
	enum milter_kind kind;
	uint32_t index;
	char const *name, *text, *args; /* in the packet */
	size_t len;			/* of text */
};

/* Takes one packet apart: its letter, and data[0..n). actions: what the filter said that it would
 * do; a change beyond that is none. 0, or -1: not what the protocol allows. */
int milter_parse(
    char letter, char const *data, size_t n, uint32_t actions, struct milter_answer *a);
/* A filter's answer to ours in the negotiation. 0, or -1: too old or new a version, or it wants
 * what was not offered. */
int milter_options_parse(char const *data, size_t n, struct milter_options *o);
/* Code and text of a MILTER_REPLY: "550 5.7.1 a\r\n550 5.7.1 b" becomes 550 and "5.7.1 a\n5.7.1 b"
 * ("%%" stands for "%"). An enhanced code is added where there is none. The code, 0 if it is no
 * reply. */
int milter_reply_text(struct milter_answer const *a, stralloc *text);

/* Writing: begins a packet in out (which is emptied); strings and numbers; the length is filled in.
 */
void milter_begin(stralloc *out, char letter);
void milter_string(stralloc *out, char const *s);
void milter_number(stralloc *out, uint32_t n);
void milter_end(stralloc *out);

#endif

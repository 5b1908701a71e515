/* MAIL and RCPT: paths and parameters, parsed once for every SMTP and LMTP server here and written
 * by every client here. RFC 5321 4.1.1, 4.1.2; RFC 1870, 3461, 6152, 6531, 3030, 4954, 8689,
 * 4865, 2852. */
#ifndef POSTERN_SMTP_ENVELOPE_H
#define POSTERN_SMTP_ENVELOPE_H

#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>

#include "lib/arena.h"

/* What is accepted, in octets. RFC 5321 4.5.3.1 promises 64, 255 and 256; mailing lists put whole
 * addresses into local parts and exceed the first. */
#define SMTP_LOCAL_MAX 512
#define SMTP_DOMAIN_MAX 255
#define SMTP_PATH_MAX 800 /* a route included */
/* A command line with its CR LF: 512 of RFC 5321, and room for every parameter of every extension. */
#define SMTP_LINE_MAX 4096

/* Extensions, as a server offers or a client saw them. */
enum smtp_ext {
	EXT_PIPELINING = 1 << 0,
	EXT_SIZE = 1 << 1,
	EXT_8BITMIME = 1 << 2,
	EXT_SMTPUTF8 = 1 << 3,
	EXT_CHUNKING = 1 << 4,
	EXT_BINARYMIME = 1 << 5,
	EXT_DSN = 1 << 6,
	EXT_ENHANCEDSTATUSCODES = 1 << 7,
	EXT_STARTTLS = 1 << 8,
	EXT_AUTH = 1 << 9,
	EXT_REQUIRETLS = 1 << 10,
	EXT_XFORWARD = 1 << 11,
	EXT_PRDR = 1 << 12,
	EXT_LIMITS = 1 << 13,
	EXT_XFORWARD_LOGIN = 1 << 14,	/* ours: XFORWARD takes LOGIN=xtext */
	EXT_XFORWARD_HOLD = 1 << 15,	/* ours: XFORWARD takes HOLD=xtext */
	EXT_SMTPUTF8_IMPLIED = 1 << 16, /* ours: an address outside ASCII says SMTPUTF8 by itself */
	EXT_FUTURERELEASE = 1 << 17,
	EXT_DELIVERBY = 1 << 18,
	EXT_XREFUSAL = 1 << 19, /* ours: 250 2.7.0 to RCPT: its rules may refuse the message */
	EXT_XSEALED = 1 << 20,	/* ours: a message as a sealed memory file, over a Unix socket */
};

struct smtp_path {
	char const *text;   /* as it is written between < and >; "" is the null path */
	char const *local;  /* local part without quoting */
	char const *domain; /* lower case, "" if there is none; "[192.0.2.1]" for a literal */
	int utf8;           /* holds bytes over 127: needs SMTPUTF8 */
};

enum smtp_body { BODY_7BIT, BODY_8BITMIME, BODY_BINARYMIME };
enum smtp_by { BY_NOTIFY = 'N', BY_RETURN = 'R' }; /* RFC 2852 4 */
enum smtp_ret { RET_UNSET, RET_FULL, RET_HDRS };
enum smtp_notify { NOTIFY_NEVER = 1, NOTIFY_SUCCESS = 2, NOTIFY_FAILURE = 4, NOTIFY_DELAY = 8 };

struct smtp_mail {
	struct smtp_path from;
	uint64_t size; /* declared, wire octets; 0 if not */
	enum smtp_body body;
	enum smtp_ret ret;
	int smtputf8, requiretls, prdr;
	char const *envid; /* xtext as it came, null if none */
	char const *auth;  /* xtext as it came, null if none */
	char const *login; /* who handed it in, for XFORWARD; null: nobody who is known */
	int64_t release;   /* not to be sent before (seconds since 1970); 0: at once */
	char const *future; /* how that was asked for (RFC 4865 5.1.2): "for;3600", "until;DATE" */
	char by_mode;	    /* enum smtp_by; 0: no BY */
	int by_trace;
	int64_t by;	    /* when it must be delivered, seconds since 1970 */
	char const *hold;  /* for XFORWARD: why the spool is to keep it until somebody releases it; null: it is not */
};

struct smtp_rcpt {
	struct smtp_path to;
	unsigned int notify; /* enum smtp_notify bits, 0 if not given */
	char const *orcpt;   /* "type;xtext" as it came, null if none */
};

/* Parses a path at s: <local@domain>, <> if SMTP_PATH_NULL, <postmaster> if SMTP_PATH_POSTMASTER, a
 * source route is read and dropped (RFC 5321 4.1.1.3), bytes over 127 only if SMTP_PATH_UTF8 and
 * valid UTF-8. Brackets may be missing around a plain address. Returns a pointer behind what was
 * read, or null if it is no path. Strings live in the arena. */
enum { SMTP_PATH_NULL = 1, SMTP_PATH_POSTMASTER = 2, SMTP_PATH_UTF8 = 4 };
char const *smtp_path_parse(struct arena *a, char const *s, unsigned int flags, struct smtp_path *out);

/* Makes a path of an address without brackets, as found in a table or a header. 0, or -1. */
int smtp_path_set(struct arena *a, char const *address, struct smtp_path *out);

#define FUTURE_MAX 999999999 /* seconds of HOLDFOR (RFC 4865 4), and of BY (RFC 2852 4) */

/* Parses what stands behind MAIL ("FROM:<...> SIZE=1") or RCPT ("TO:<...>"). Parameters of an
 * extension that is not in `offered` are refused (555). Null if all is well, otherwise the reply's
 * text without CR LF ("501 5.5.4 ..."), a constant. */
char const *smtp_mail_parse(struct arena *a, char const *arg, unsigned int offered,
    struct smtp_mail *out);
char const *smtp_rcpt_parse(struct arena *a, char const *arg, unsigned int offered, int smtputf8,
    struct smtp_rcpt *out);

/* The commands to a peer with extensions `ext`, with CR LF; parameters that it would not know are
 * left out. */
void smtp_mail_format(stralloc *sa, struct smtp_mail const *m, unsigned int ext);
void smtp_rcpt_format(stralloc *sa, struct smtp_rcpt const *r, unsigned int ext);

#endif

/* Address lists of header fields (RFC 5322 3.4, obsolete syntax 4.4), read as IMAP's ENVELOPE shows
 * them (RFC 3501 7.4.2). Every input gives a list: what cannot be understood becomes an address
 * with empty parts and `broken` set, in the way of Dovecot, so that no recipient is invented. */
#ifndef POSTERN_ADDRESS_H
#define POSTERN_ADDRESS_H

#include <stddef.h>
#include <skalibs/stralloc.h>

#include "lib/arena.h"

#define ADDRESS_LIST_MAX 100000 /* addresses of one list; what follows is left out */

enum address_kind {
	ADDRESS_MAILBOX,
	ADDRESS_GROUP,	  /* mailbox is the group's name; its members follow */
	ADDRESS_GROUP_END /* all parts null */
};

/* Strings are C strings in the arena without NULs inside; null where there is none. */
struct address {
	struct address *next;
	enum address_kind kind;
	int broken; /* not to be used as a recipient */
	char const
	    *name; /* display name, or the comment behind the address; not RFC 2047 decoded */
	char const *route;   /* source route, "@a,@b" (RFC 5322 4.4) */
	char const *mailbox; /* local part, unquoted */
	char const *host;    /* domain; "" if missing; literals with their brackets */
};

/* The list of a field's body s[0..n) (folded or not): its first address, or null if it is empty.
 * Lives in a. */
struct address *address_parse(struct arena *a, char const *s, size_t n);

/* Appends the addr-spec, the local part quoted where it must be (RFC 5322 3.4.1). */
void address_spec(stralloc *out, struct address const *addr);
/* Appends name and address in the form for a header field: Name <a@b>. The name is quoted or, if it
 * has 8-bit octets, sent as it is. */
void address_format(stralloc *out, struct address const *addr);

#endif

/* Greylisting (RFC 6647): a sender that this server does not know is asked to come again, which
 * servers do and much else does not. What is known is a network, /24 or /64, together with a
 * sender's domain: state/greylist, a table of fixed size that forgets the oldest when it is full.
 */
#ifndef SMTP_RECV_GREYLIST_H
#define SMTP_RECV_GREYLIST_H

#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>

struct session;
struct recipient;

struct greylist {
	uint32_t delay;	 /* seconds from the first try to one that counts; 0: off */
	uint32_t window; /* seconds from the first try in which one counts */
	uint32_t keep;	 /* seconds that a sender stays known without coming */
	char const *file;
	stralloc exempt; /* etc/greylist-exempt: networks and domains, C strings */
};

/* Reads etc/greylist-exempt; a bad line is exit 100. */
void greylist_read(struct greylist *g);

/* Asked when the recipient was found to exist. 1: refused for a time, the reply is said and logged.
 */
int greylist_refuses(struct session *s, struct recipient const *r);

/* The rule by itself, for one key's bucket (lib/state-table.h) and the time in seconds since 1970:
 * seconds to wait, or 0: welcome. *waited: seconds since its first try, when this is the one that
 * makes it known, else 0. */
uint32_t greylist_look(
    struct greylist const *g, uint64_t *bucket, uint32_t tag, uint32_t now, uint32_t *waited);

#endif

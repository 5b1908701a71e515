/* What imap and imap-login say that they can do: one table, some of which the setting
 * imap-capabilities hides, or turns on, for everyone or for one user. */
#ifndef POSTERN_IMAP_CAPABILITY_H
#define POSTERN_IMAP_CAPABILITY_H

#include <stdint.h>
#include <skalibs/stralloc.h>

/* What ENABLE can switch on (RFC 5161), bits of a session's `enabled`. */
enum capability_enable {
	ENABLE_CONDSTORE = 1, /* RFC 7162 3.1 */
	ENABLE_QRESYNC = 2,   /* RFC 7162 3.2; CONDSTORE with it */
	ENABLE_UTF8 = 4,      /* RFC 6855 */
	ENABLE_REV2 = 8,      /* RFC 9051 */
	ENABLE_UIDONLY = 16,  /* RFC 9586 */
};

/* Reads etc/imap-capabilities: in each line words +NAME or -NAME, for everyone, or behind a login
 * name and a blank for that user. Later lines win. A line that cannot be understood ends the
 * program with exit 100. user is null before login. */
void capability_settings(char const *user);
/* The number that this one is told with, after login: APPENDLIMIT (RFC 7889 section 2), MESSAGELIMIT
 * or SAVELIMIT (RFC 9738 section 3). 0: it is not told. */
void capability_value(char const *name, uint64_t value);
/* Appends the names, with blanks between them: those before login or those after. */
void capability_list(stralloc *out, int logged_in);
/* Is it told after login? Commands that a setting turns on ask this. */
int capability_shown(char const *name);
/* The bits that this name (case does not matter) stands for in ENABLE; 0: none, or it is hidden. */
unsigned int capability_enables(char const *name);

#endif

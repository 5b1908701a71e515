/* Names of message files: BASE[:2,FLAGS]. BASE identifies the message and never changes; it may
 * carry ",S=" (octets on disk) and ",W=" (octets on the wire). Flags stand behind the last colon,
 * in cur/ and, from some programs, in new/ as well; what is not known there is kept. */
#ifndef POSTERN_MAILDIR_NAME_H
#define POSTERN_MAILDIR_NAME_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "maildir/limits.h"

/* System flags, in the order of their letters D F P R S T. FLAG_RECENT has none: it belongs to the
 * session that took the message out of new/ (RFC 3501 2.3.2). */
enum message_flag {
	FLAG_DRAFT = 1,
	FLAG_FLAGGED = 2,
	FLAG_PASSED = 4, /* the keyword $Forwarded (RFC 5788) */
	FLAG_ANSWERED = 8,
	FLAG_SEEN = 16,
	FLAG_DELETED = 32,
	FLAG_RECENT = 64
};
#define FLAG_LETTERS 63 /* all that stand in a file name */

#define NAME_UNKNOWN UINT64_MAX

struct name {
	size_t base_len;    /* the base is the first base_len octets of the file name */
	unsigned int flags; /* enum message_flag */
	uint32_t letters;   /* bit 0 is keyword letter a */
	uint64_t disk;	    /* S=, or NAME_UNKNOWN */
	uint64_t wire;	    /* W=, or NAME_UNKNOWN; not yet known to be true */
};

/* Takes a file name apart. 1, or 0 if it is no message's name: empty, begins with a dot, too long.
 */
int name_parse(struct name *n, char const *file, size_t len);
/* The same without the sizes, which are left unknown. */
int name_parse_flags(struct name *n, char const *file, size_t len);
/* The length of its base name; 0 if it is no message's name. */
size_t name_base(char const *file, size_t len);

/* Writes file's base with the given flags and keyword letters into out (NUL behind it): its length,
 * or 0 if it would exceed MAILDIR_NAME_MAX. Unknown flag letters of file, and what stands behind a
 * second comma, are kept; letters go out in ASCII order (maildir(5)). */
size_t name_format(char out[static MAILDIR_NAME_MAX + 1], char const *file, size_t len,
    unsigned int flags, uint32_t letters);

/* Writes a base name that no other delivery has or will have: TIME.MusecPpidQn.HOST[,S=n][,W=n],
 * the host with / : and , escaped. NAME_UNKNOWN leaves a size out. The length; never fails. */
size_t name_new(char out[static MAILDIR_BASE_MAX + 1], uint64_t disk, uint64_t wire);
/* The same for who needs thousands and has asked for its process id once: it may not fork between.
 */
size_t name_new_by(char out[static MAILDIR_BASE_MAX + 1], pid_t pid, uint64_t disk, uint64_t wire);

/* The W= of a name can be believed: disk is the file's true size, S= says the same (or nothing) and
 * W= lies between it and its double. */
int name_plausible(struct name const *n, uint64_t disk);

/* What name_order compares first, as one number: of two names the one with the smaller key comes
 * first; where the keys are the same, name_order decides. It also does among names of the same
 * NAME_KEY_SECONDS if one of them is NAME_KEY_ROUGH. */
#define NAME_KEY_SECONDS(key) ((key) >> 20)
#define NAME_KEY_ROUGH(key) (((key)&0xfffff) == 0xfffff)
uint64_t name_arrival_key(char const *base, size_t len);
/* The time that names of today begin with, UTC seconds: when the message came into its folder. 1,
 * or 0 if this name begins otherwise. */
int name_time(char const *base, size_t len, int64_t *t);

/* Order of arrival: the time a base name begins with, its microseconds, then its octets; <0, 0, >0.
 */
int name_order(char const *a, size_t alen, char const *b, size_t blen);

#endif

/* What a worker's rules want sent elsewhere: records in a memfd that goes with the report. The
 * worker writes; the parent, which believes nothing, reads and sends (forward.h).
 *
 * The file holds contents, one behind the other, and at its end the records. */
#ifndef POSTERN_MDA_LOCAL_OUTGOING_H
#define POSTERN_MDA_LOCAL_OUTGOING_H

#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>

#include "lib/arena.h"
#include "mda-local/worker.h"

enum outgoing_kind {
	/* A copy of the message, part of the recipient's delivery: as good as the alias's forwards.
	 */
	OUTGOING_FORWARD,
	/* A message that rules have made (an answer, a notification): its failure is logged only.
	 */
	OUTGOING_NOTICE,
};

/* What is sent: content[at..at + size) and behind it the message from octet `tail` on. A plain
 * forward has no content and tail 0; one with another header the new header and the body's
 * beginning; a notice a content and OUTGOING_NO_TAIL. LF line ends. */
#define OUTGOING_NO_TAIL UINT64_MAX

struct outgoing_record {
	uint32_t kind;
	uint32_t same_sender; /* the message's own (rewritten as an alias's is) */
	uint64_t at, size, tail;
	char sender[WORK_ADDRESS_MAX]; /* "": the null path; without same_sender */
	char rcpt[WORK_ADDRESS_MAX];
};

struct outgoing {
	int fd; /* memfd; -1: nothing yet */
	int error;
	uint64_t size; /* of contents */
	stralloc records;
};
/* clang-format off */
#define OUTGOING_ZERO {-1, 0, 0, STRALLOC_ZERO}
/* clang-format on */

/* ---- the worker's side ---- */

/* Appends to the contents; what is written since out->size was x is content [x, out->size). Fails
 * in the end when all of it is more than MDA_OUTGOING_SIZE. */
void outgoing_write(struct outgoing *out, char const *s, size_t n);
/* A copy of the message to rcpt. sender null: the message's own. 0, or -1: an address too long or
 * with control characters, EMLINK more than MDA_OUTGOING_MAX. */
int outgoing_forward(struct outgoing *out, char const *sender, char const *rcpt);
/* Any record; r's strings are checked as above. */
int outgoing_add(struct outgoing *out, struct outgoing_record const *r);
/* How many. */
uint32_t outgoing_count(struct outgoing const *out);
/* Writes the records: 0 with the file in out->fd, or -1 with errno. */
int outgoing_end(struct outgoing *out);
/* Forgets all of it. */
void outgoing_reset(struct outgoing *out);

/* ---- the parent's side ---- */

/* Takes `count` records from fd, which is made unchangeable first. Their array, in a; null with
 * errno EPROTO if a form is broken, EFBIG if a limit is passed. */
struct outgoing_record *outgoing_read(struct arena *a, int fd, uint32_t count);

#endif

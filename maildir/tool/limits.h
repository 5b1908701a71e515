/* Limits of the program `maildir`. */
#ifndef POSTERN_MAILDIR_TOOL_LIMITS_H
#define POSTERN_MAILDIR_TOOL_LIMITS_H

/* Messages that import makes durable at once, under one hold of the folder's lock. */
#define TOOL_BATCH 200
/* Messages that expire removes under one commit. */
#define TOOL_EXPIRE_BATCH 500
/* Octets of a message that index reads whole; of a longer one only the header is looked at. */
#define TOOL_INDEX_MESSAGE 268435456
/* Messages whose texts index makes before it has them written. */
#define TOOL_INDEX_BATCH 256
/* Octets of a message's header that export looks through for fields of an mbox; a longer one goes
 * out as it is, behind the state. */
#define TOOL_HEADER 1048576
/* Octets of a line of an mbox that is looked at for what it means (From_, header fields); the rest
 * goes through as it is. */
#define TOOL_MBOX_LINE 65536
/* Octets of a side file of another server: courierimapkeywords, courierpop3dsizelist; a longer one
 * is an error (EFBIG). */
#define TOOL_SIDE_FILE 268435456
/* Depth of folders below a directory of mboxes; what is deeper is passed over. */
#define TOOL_DEPTH 16

#endif

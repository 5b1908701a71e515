/* A message's file read as wire text: every bare LF is given as CR LF, CR LF stays, offsets count
 * wire octets. Reads with pread, so that a file cut short by others is an early end, not a signal.
 */
#ifndef POSTERN_MAILDIR_MESSAGE_H
#define POSTERN_MAILDIR_MESSAGE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define MESSAGE_BUFFER 32768

struct message {
	int fd;
	uint64_t disk; /* the file's size when it was opened */
	uint64_t wire; /* wire octets, or NAME_UNKNOWN until message_size counted them */
	/* where reading stands: wire offset, and the disk offset of the next octet */
	uint64_t wire_pos, disk_pos;
	char last;  /* the octet before disk_pos */
	int owe_lf; /* the CR of a bare LF has been given, the LF not yet */
	/* what was read ahead: buf[0..buf_len) stands at buf_at */
	uint64_t buf_at;
	size_t buf_len;
	char buf[MESSAGE_BUFFER];
};

/* Takes over fd (closed by message_close). 0 or -1. */
int message_init(struct message *m, int fd);
void message_close(struct message *m);
/* The exact number of wire octets, counted once by reading the file. 0 or -1. */
int message_size(struct message *m, uint64_t *wire);
/* Goes to a wire offset: forward by reading, backward from the start (at once where disk and wire
 * are the same). Behind the end is the end. 0 or -1. */
int message_seek(struct message *m, uint64_t wire);
/* The next octets of wire text, at most max. Octets, 0 at the end, -1 error. */
ssize_t message_read(struct message *m, char *out, size_t max);
/* Gives wire octets [from, from + count) piece by piece; stops when fn returns non-zero and returns
 * that. 0 at the end of the range or of the message, -1 on a read error. */
typedef int message_fn(void *arg, char const *s, size_t n);
int message_each(struct message *m, uint64_t from, uint64_t count, message_fn *fn, void *arg);

#endif

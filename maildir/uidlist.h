/* dovecot-uidlist, version 3: which base name has which UID. Read without a lock, written under the
 * folder's lock (maildir/lock.h). Lines are appended and synced before anyone is told their UIDs; a
 * line whose message's absence has been told is struck out in place (the first octet of its name
 * becomes a dot, which no message has); whoever rewrites the file leaves those out.
 * Unknown header keys and record keys are kept. Versions 1 and 2, and courierimapuiddb where there
 * is no uidlist, are taken over. */
#ifndef POSTERN_MAILDIR_UIDLIST_H
#define POSTERN_MAILDIR_UIDLIST_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>
#include <skalibs/stralloc.h>

#include "maildir/lock.h"

#define UIDLIST_LINE_MAX 4096 /* octets of a record; a longer one is damage */

struct uidlist {
	int fd; /* the file as last opened; -1: none */
	dev_t dev;
	ino_t ino;
	off_t parsed; /* octets read so far; always at a line's beginning */
	int version;  /* 3; 1 and 2 are written anew before anything is added */
	uint32_t validity;
	uint32_t next;		/* max(N, last UID + 1): UIDNEXT */
	uint32_t last;		/* the largest UID in a line */
	struct timespec struck; /* the file's mtime when it was known which lines are struck out */
	uint32_t lines, dead;	/* lines read; how many of them are struck out or useless */
	int later;		/* the caller: nothing is told of what was read before uidlist_append */
	int damaged;		/* a line could not be understood: to be written anew */
	uint32_t mark;		/* uidlist_mark when parsed was as in marked; 0 there: not known */
	off_t marked;
	char guid[33];	/* header key G; empty if there is none */
	stralloc extra; /* other header words, each with a blank before it */
};
/* clang-format off */
#define UIDLIST_ZERO {.fd = -1, .next = 1, .extra = STRALLOC_ZERO}
/* clang-format on */

/* One line: its UID, base name, record keys as they stand (may be empty), and where it begins. */
struct uidlist_line {
	uint32_t uid;
	uint32_t offset;
	char const *base, *keys;
	size_t base_len, keys_len;
};
typedef void uidlist_line_fn(void *arg, struct uidlist_line const *line);

/* Reads what is new since the last call; its lines are synced, whoever wrote them, unless u->later.
 * 0 nothing new; 1 lines were appended (each given to fn); 2 the file is another one: all its lines
 * are given to fn, what was known before is void; -1 error. A file that is not there is 0, with
 * validity 0. An unfinished last line is not read. */
int uidlist_read(struct uidlist *u, int fd_dir, uidlist_line_fn *fn, void *arg);
/* Gives the UIDs of all lines that are struck out to fn, if the file was changed since that was
 * known. A change of our own leaves it known. 0 or -1. */
typedef void uidlist_struck_fn(void *arg, uint32_t uid);
int uidlist_struck(struct uidlist *u, uidlist_struck_fn *fn, void *arg);
/* Is the line of this UID, at this offset, struck out? */
int uidlist_is_struck(struct uidlist const *u, uint32_t offset, uint32_t uid);
/* Whether uidlist_read would find something, without reading: 0, 1, 2, -1 as there. */
int uidlist_changed(struct uidlist const *u, int fd_dir);
/* The next uidlist_read gives all lines again. */
void uidlist_forget(struct uidlist *u);
void uidlist_close(struct uidlist *u);
/* For network file systems: opens the file anew. 1: it is another one now, and is to be read again.
 */
int uidlist_publish(struct uidlist *u, int fd_dir);
/* The UIDVALIDITY that the file says; 0: there is no file, or none that can be understood. */
uint32_t uidlist_validity(int fd_dir);
/* A checksum of what stands before u->parsed: with it, and what else is known of the lines, reading
 * can be resumed there. */
uint32_t uidlist_mark(struct uidlist *u);
/* Opens the file as if all before u->parsed had been read just now: the caller gives ino, parsed,
 * lines, dead, last and next. 1; 0: it is another file, or not as it was (u is then as at first).
 */
int uidlist_resume(struct uidlist *u, int fd_dir, uint32_t mark);
/* Reads all of another file in the same format (courierimapuiddb). 0, also if it is not there, or
 * -1. */
int uidlist_scan(struct uidlist *u, int fd_dir, char const *name, uidlist_line_fn *fn, void *arg);

/* The functions below are called with the folder's lock held, after a uidlist_read under the lock.
 */

/* Makes the file, if there is none: with the UIDs of courierimapuiddb, else empty with a fresh
 * UIDVALIDITY from the protocol at fd_root. The next uidlist_read is 2. 0 or -1. */
int uidlist_create(struct uidlist *u, int fd_dir, int fd_root);
/* Appends n lines and syncs once. keys (record keys, "" for none) may be null.
 * line[i].uid and .offset are set. 0 or -1; whole lines that were written then stay, as others may
 * have read them, and the next uidlist_read gives them. EOVERFLOW: the UIDs are used up. */
int uidlist_append(struct uidlist *u, int fd_dir, struct uidlist_line *line, size_t n);
/* Strikes out n lines, given by offset and UID in turn, and syncs; when most of the file is dead it
 * is written anew instead. Where there is no line of that UID, nothing is struck out. 0 or -1. */
int uidlist_strike(struct uidlist *u, int fd_dir, uint32_t const *line, size_t n);
/* Writes the file anew without what is dead; the next uidlist_read is 2. Durable. 0 or -1. */
int uidlist_rewrite(struct uidlist *u, int fd_dir);

/* A fresh MAILBOXID. 0 or -1. */
int uidlist_new_guid(char guid[static 33]);

/* A record key's value of the line at an offset, into value. 1, 0 not there, 2 there is no line of
 * this UID, -1 error. No lock. */
int uidlist_key(struct uidlist *u, uint32_t offset, uint32_t uid, char key, stralloc *value);

/* A UIDVALIDITY larger than every one given before in this Maildir: dovecot-uidvalidity and its
 * companion at the root, in Dovecot's protocol. 0 on error (errno). */
uint32_t uidvalidity_next(int fd_root);

#endif

/* The spool directory: one file per message. doc/spool.md has the layout and the table of states.
 *
 *     SPOOL/H/.ID           being written
 *     SPOOL/H/NAME          queued; H is one of 0..f, made from the name
 *     SPOOL/tmp/NAME        a notification about to be published
 *     SPOOL/H/NAME:why      why its recipients still wait or have failed (why.h)
 *     SPOOL/damaged/NAME    set aside
 *     SPOOL/trigger         a fifo that wakes mda-remote
 *     SPOOL/lock            held by the one mda-remote that walks */
#ifndef POSTERN_MDA_REMOTE_SPOOL_H
#define POSTERN_MDA_REMOTE_SPOOL_H

#include <stdint.h>
#include <skalibs/stralloc.h>

#include "mda-remote/envelope.h"
#include "mda-remote/limits.h"

#define SPOOL_HASHES 16
#define SPOOL_PATH_MAX (SPOOL_NAME_MAX + 16) /* "H/NAME:why" with its NUL */
#define SPOOL_LINE_MAX (SPOOL_NAME_MAX + 16) /* of the fifo: "!release NAME" with its NUL */

/* If root: becomes for good whom UID, GID and GIDLIST name (lib/sandbox.h), or without them the
 * owner of the spool. Exits 100 if that is root too. */
void spool_become_owner(void);
/* Opens the spool of the instance (spool/), makes what is missing in it. Its descriptor, or -1. */
int spool_open(void);

/* "H/NAME" and what `suffix` adds, relative to the spool. */
void spool_path(char path[static SPOOL_PATH_MAX], char const *name, char const *suffix);
/* Which of the hashed directories is that of a name: less than SPOOL_HASHES. */
unsigned int spool_part(char const *name);
/* Opens it: descriptor or -1. */
int spool_part_open(int fd_spool, unsigned int part);
/* 1 if it may be the name of a message's file. */
int spool_name_valid(char const *name);

/* ---- spool-write.c: a new file ---- */

struct spool_file {
	int fd_spool, fd;
	char tmp[SPOOL_PATH_MAX]; /* "H/.ID" or "tmp/NAME" */
	size_t used;		  /* of the buffer */
	uint64_t length;	  /* octets that are in the file */
	uint32_t sum;		  /* of those behind the sizes */
	int error;		  /* errno of the first failure, 0 if none */
	char buffer[65536];
};

/* Begins a file with e's envelope, all of whose recipients wait; sizes are filled in at the end.
 * name: of a notification, in tmp/; else null for a fresh one, where the name e->id will lead. 0,
 * or -1 and errno. */
int spool_begin(struct spool_file *f, int fd_spool, struct envelope *e, char const *name);
/* A part of the message, LF line ends. A failure is remembered. */
void spool_write(struct spool_file *f, char const *s, size_t n);
/* Writes what is buffered and the sizes: length and sum are set here, size and eightbit by the
 * caller. 0, or -1 and errno. */
int spool_finish(struct spool_file *f, struct envelope *e);
/* Makes it a queued message, durably, under name or name-2, name-3, ... (written to got): when this
 * returns 0 the message is on disk. -1 and errno otherwise, and it is gone. Closes the file. Until
 * then it is lent (spool_file_lent): what is found of it meanwhile must not be sent. */
int spool_commit(struct spool_file *f, char const *name, char got[static SPOOL_NAME_MAX + 1]);
/* For a notification: durable in tmp/ under its name. Closes the file. */
int spool_park(struct spool_file *f);
/* Moves a parked file to its place, durably. 0 or -1. */
int spool_publish(int fd_spool, char const *name);
/* Closes and removes. */
void spool_abort(struct spool_file *f);

/* Writes a line to the fifo: a file's name, or "!" and a command of mda-remote. Never waits. -1 if
 * nobody reads. */
int spool_wake(int fd_spool, char const *line);
/* The same, waiting up to `seconds` for room, so that the line is not lost. -1 and errno: ENXIO
 * nobody reads, ETIMEDOUT. */
int spool_order(int fd_spool, char const *line, unsigned int seconds);
/* Takes the lock of the one who walks the spool, until exit: 1; 0 another one has it; -1. */
int spool_lock(int fd_spool);

/* ---- spool-file.c: files that are there ---- */

/* Opens a queued file with these flags: O_RDONLY or O_RDWR. Descriptor or -1. */
int spool_file_open(int fd_spool, char const *name, int flags);
/* Opens it for an smtp-send: the open file bears a shared lock (flock), which lasts until the last
 * process that holds the descriptor has closed it or is dead. Descriptor or -1. */
int spool_file_lend(int fd_spool, char const *name);
/* 1 if an smtp-send still holds it so, or the writer: nobody else may send what it says is waiting.
 */
int spool_file_lent(int fd);
/* Reads and checks the envelope. 1; 0 if it is damaged (*reason); -1 and errno on a read error. */
int spool_read(struct arena *a, int fd, struct envelope *e, char const **reason);
/* Whether a file whose envelope is e is what its writer had summed up: 1, 0, -1 and errno. A power
 * cut may leave one that was never synced, and for which nobody was told 250. */
int spool_whole(int fd, struct envelope const *e);
/* Changes a recipient's two bytes in place. Not synced. 0 or -1. */
int spool_mark(int fd, struct envelope_rcpt const *r);
/* It waits for its release no longer. Not synced. 0 or -1. */
int spool_mark_released(int fd, struct envelope *e);
/* Only the state byte, and what it is now on disk (enum rcpt_state; -1 and errno). */
int spool_mark_state(int fd, struct envelope_rcpt const *r);
int spool_state(int fd, struct envelope_rcpt const *r);
/* Removes a message and its why file. 0; -1 and errno when it is still there. */
int spool_remove(int fd_spool, char const *name);
/* Moves it to damaged/, under another name if one of this name lies there. */
void spool_set_aside(int fd_spool, char const *name);
/* The same for whatever lies in a directory of the spool. */
void spool_set_aside_at(int fd_spool, char const *dir, char const *name);

#endif

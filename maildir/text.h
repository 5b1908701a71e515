/* postern-text: the cached texts of a folder's messages (lib/message-text.h), one file per folder,
 * append-only, disposable. An entry stands by itself: checksummed, with the base name of its
 * message. Who knows an entry's offset reads it at once; what others appended is found by walking
 * on from where one last stopped. Written under the folder's lock. Format: doc/store.md. */
#ifndef POSTERN_MAILDIR_TEXT_H
#define POSTERN_MAILDIR_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/message-text.h"
#include "maildir/limits.h"

#define TEXT_FILE_NAME "postern-text"

struct text_file {
	int fd; /* -1: not open */
	dev_t dev;
	ino_t ino;
	uint64_t id;	 /* a random number in its header: offsets belong to this file */
	uint64_t parsed; /* entries below this offset are known to the caller; 0: none */
	char *window;	 /* what was read last, malloced */
	uint64_t window_at;
	size_t window_len;
	size_t window_room;
	size_t ahead; /* octets to be read the next time, more the longer reads run forward */
	int damaged;  /* a walk ended before the file's end */
	int mapped;   /* the window is all of the file, mapped */
	int sound;    /* all that will be read in it has been checked, and was whole */
	int bad;      /* since it was mapped something was read that was not */
};
/* clang-format off */
#define TEXT_FILE_ZERO {-1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
/* clang-format on */

/* Opens the file that is there now, if it is another one than before, or shorter than what was
 * parsed of it; known offsets are then void and parsed is 0. 1: another file (or the first); 0: the
 * same, or none (then t->fd is -1 and known offsets are void, too); -1 error. A file of another
 * version or byte order or with a damaged header is as none. */
int text_open(struct text_file *t, int fd_dir);
void text_close(struct text_file *t);
/* Most of the file will be asked for: maps it, where no other host can cut it off, until text_rest.
 * What a process of this host cuts off was no whole entry, so nobody has been given it. 1, or 0:
 * not to be had. */
int text_map(struct text_file *t);
/* All entries that will be read until text_rest have been read since it was mapped: if each was
 * whole and its message's (one that is not ends the mapping, or is noted), they are not checked
 * again. */
void text_sound(struct text_file *t);
/* Gives back the memory of the window: a session that idles needs none. */
void text_rest(struct text_file *t);

/* Walks the whole entries from t->parsed on, gives each base name and offset to fn, and moves
 * parsed behind them. A damaged entry ends the walk (the next writer cuts it off). fn may not use
 * t. 0 or -1. */
typedef void text_entry_fn(void *arg, char const *base, size_t base_len, uint64_t offset);
int text_walk(struct text_file *t, text_entry_fn *fn, void *arg);

/* The entry at this offset, if it is whole and of this base name. The texts live in t->window until
 * the next call. 1, 0 (no such entry), -1 (errno). */
int text_read(struct text_file *t, uint64_t offset, char const *base, size_t base_len,
    struct message_texts *texts);

/* Adds one entry to a buffer that text_append writes: its octets, without knowing where it will
 * lie. Texts longer than MESSAGE_TEXT_MAX are left out. base_len: 1 to 255. */
void text_format(
    stralloc *out, char const *base, size_t base_len, struct message_texts const *texts);
/* Lock held: appends n whole entries (from text_format, len octets) in one write; makes the file if
 * there is none that can be used; cuts off a torn tail first. *offset is where the first one lies;
 * t->parsed moves behind them if all before them was known. Nothing is synced. Who keeps offsets
 * calls text_open first, to hear of another file. 0 or -1; then nothing was added. EFBIG: the file
 * would exceed MAILDIR_TEXT_FILE. */
int text_append(struct text_file *t, int fd_dir, char const *entries, size_t len, uint64_t *offset);
/* 1 if the file ends with a whole entry, or has none, or is not open: text_append will then not
 * have to look for the last whole one. */
int text_tail_whole(struct text_file *t);

/* Lock held: writes the file anew with these entries only, in this order; offset[i] becomes the new
 * place (0: it could not be read and was left out). t is then the new file, parsed to its end. 0 or
 * -1 (nothing changed). */
int text_rewrite(struct text_file *t, int fd_dir, uint64_t *offset, size_t n);

/* Octets of the entry at an offset, as far as its header says; 0 if there is none. */
size_t text_size(struct text_file *t, uint64_t offset);

#endif

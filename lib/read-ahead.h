/* Files read ahead: a thread opens and reads small files, in the order in which they are asked for,
 * while its owner works on those that came before. For whoever goes through thousands of them: most
 * of a small file's cost is the kernel's, in open(2) and in copying.
 *
 * It promises nothing but speed. A file that is not of the size its owner takes it for, or cannot
 * be opened or read, is not given, for whatever reason, and the owner does what it would have done
 * without. The thread calls openat, pread and close, and allocates nothing. */
#ifndef POSTERN_READ_AHEAD_H
#define POSTERN_READ_AHEAD_H

#include <stddef.h>
#include <stdint.h>

/* Files and their octets that are read but not taken yet, at most. */
#define READ_AHEAD_FILES 64
#define READ_AHEAD_OCTETS 1048576u
/* Octets of one file: larger ones cost little but their own reading. */
#define READ_AHEAD_FILE (READ_AHEAD_OCTETS / 4)

struct read_ahead;

/* Null: there is no memory, or no thread, to be had. */
struct read_ahead *read_ahead_begin(void);
/* The file `name` of the directory fd_dir, which stays open until the end, is to be read, and has
 * `size` octets. `number` is its owner's own. 1; 0: there is no room for it now, or never will be.
 */
int read_ahead_put(
    struct read_ahead *r, uint32_t number, int fd_dir, char const *name, size_t size);
/* How many were put and not taken. */
unsigned int read_ahead_count(struct read_ahead const *r);
/* The number of the oldest of them; there must be one. */
uint32_t read_ahead_number(struct read_ahead *r);
/* Takes that one, once it is read: its octets, *size of them, until the next is taken; null: it was
 * not as expected. */
char *read_ahead_take(struct read_ahead *r, size_t *size);
/* Ends the thread, behind the file that it reads at the time. */
void read_ahead_end(struct read_ahead *r);

#endif

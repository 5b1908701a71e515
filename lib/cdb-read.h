/* Looks keys up in a cdb (D. J. Bernstein's format) by pread: a single look-up costs a third of
 * what it does in a mapping, whose pages are faulted in one by one, and a file that is cut off
 * meanwhile is an error and no signal. skalibs' cdbmake writes them (lib/table-compile.c). */
#ifndef POSTERN_CDB_READ_H
#define POSTERN_CDB_READ_H

#include <stddef.h>
#include <skalibs/stralloc.h>

#define CDB_HEAD                                                                                   \
	2048 /* octets of the pointers to the 256 hash tables; the first record is behind them */
#define CDB_FIRST 256 /* what is read of that at once */

struct cdb_read {
	int fd;
	size_t len; /* of head */
	char head[CDB_HEAD + CDB_FIRST];
};

/* 0; -1 and errno: EINVAL if it is no cdb. */
int cdb_read_open(struct cdb_read *c, char const *path);
/* 1 if the first record has an empty key and these data. */
int cdb_read_begins(struct cdb_read const *c, char const *data, size_t len);
/* The first record with this key: 1 and its data, a C string (one that holds a NUL is damage, as
 * are data of more than max octets); 0 there is none; -1 and errno, EINVAL if the file is damaged.
 */
int cdb_read_find(
    struct cdb_read const *c, char const *key, size_t len, size_t max, stralloc *value);
void cdb_read_close(struct cdb_read *c);

#endif

/* Reading at a place to the end. */
#ifndef POSTERN_LIB_PREAD_ALL_H
#define POSTERN_LIB_PREAD_ALL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Bytes at `at`: n of them, or fewer at the file's end; -1 and errno. */
ssize_t pread_all(int fd, char *s, size_t n, uint64_t at);

#endif

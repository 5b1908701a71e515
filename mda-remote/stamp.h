/* Whether a file is another one, or was written to, since it was last looked at. */
#ifndef POSTERN_MDA_REMOTE_STAMP_H
#define POSTERN_MDA_REMOTE_STAMP_H

#include <stdint.h>

/* Another number when another file has this path, or it was written to. 0: none has it. */
uint64_t stamp_file(char const *path);
/* The same of etc/ and all files in it. 0: there is none (another one is about to take its place). */
uint64_t stamp_etc(void);

#endif

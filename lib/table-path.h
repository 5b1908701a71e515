/* What the files of lib/table.h share. */
#ifndef POSTERN_TABLE_PATH_H
#define POSTERN_TABLE_PATH_H

#include <sys/stat.h>
#include <skalibs/stralloc.h>

#define TABLE_KEY_MAX 1024
#define TABLE_STAMP_MAX 80

/* etc/NAMESUFFIX as a C string. */
void table_path(stralloc *path, char const *name, char const *suffix);
/* What a cdb says of the text that it was made from: octets written. */
size_t table_stamp(char s[static TABLE_STAMP_MAX], struct stat const *text);

#endif

/* The names of scripts as they stand in the folder (scripts-list.c). */
#ifndef POSTERN_MANAGESIEVE_SCRIPTS_LIST_H
#define POSTERN_MANAGESIEVE_SCRIPTS_LIST_H

#include <skalibs/stralloc.h>

struct scripts;

/* The file that a plain active script gets in the folder: Dovecot's dotted name for it, numbered
 * where that is taken. */
void scripts_spare_file(struct scripts const *s, stralloc *file);

#endif

/* The texts of a message that has just arrived, written into the folder's postern-text by who has
 * the message in hand: mda-local, APPEND. A courtesy to the first reader, who would make them: it
 * never waits for the folder's lock, and what fails is left out in silence. */
#ifndef POSTERN_MAILDIR_TEXT_DELIVER_H
#define POSTERN_MAILDIR_TEXT_DELIVER_H

#include <stdint.h>
#include <skalibs/stralloc.h>

#include "lib/charset.h"

/* 1 if a folder's texts are kept: it has an index. dir: the folder's directory. */
int text_wanted(char const *dir);

/* Appends (text_format) the entry of the message whose file content is size octets of fd and whose
 * file name is `file`. Of more than MAILDIR_TEXT_MESSAGE octets the header's texts alone.
 * otherwise: lib/charset.h, null for a program without iconv. 0, or -1: nothing was appended. */
int text_make(stralloc *entry, char const *file, int fd, uint64_t size, charset_open_fn *otherwise);

/* Makes the texts and appends them to the folder's file, if it has an index and its lock is free.
 */
void text_deliver(
    char const *dir, char const *file, int fd, uint64_t size, charset_open_fn *otherwise);

#endif

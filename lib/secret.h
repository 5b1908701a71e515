/* What a secret needs: to be compared without a hint of where it differs, and to stay out of cores.
 * Wiped it is by explicit_bzero, as soon as it has served. */
#ifndef POSTERN_SECRET_H
#define POSTERN_SECRET_H

#include <stddef.h>

/* 1 if n octets are the same, in a time that does not depend on where they differ. */
int secret_same(void const *a, void const *b, size_t n);
/* The same for C strings; tells by its time how long they are. */
int secret_same_text(char const *a, char const *b);

/* This process, and what it forks, leaves no core, in a file or to a program that collects them;
 * nobody but root may look into its memory. What it executes leaves none either. For whoever holds
 * a password, a key or a message. */
void secret_no_core(void);

#endif

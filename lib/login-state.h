/* What the login programs remember between connections, in run/auth/: everything there may be
 * removed at any time. Without the directory (and the right to make it) they remember nothing. */
#ifndef POSTERN_LOGIN_STATE_H
#define POSTERN_LOGIN_STATE_H

#include <stddef.h>

#include "lib/hmac.h"

/* Opens run/auth/NAME for reading and writing, made with mode 0600; only a plain file that nobody
 * else may touch is taken. The descriptor (close-on-exec), or -1 with errno; anything but a missing
 * run/ is logged. */
int login_state_open(char const *name);
/* Opens run/auth/NAME or makes it with these bytes at once, so that nobody sees a part of them. */
int login_state_open_with(char const *name, void const *first, size_t len);
/* Puts a new file with these bytes in the place of run/auth/NAME; its descriptor or -1. */
int login_state_replace(char const *name, void const *first, size_t len);
/* This instance's secret for what must look random and stay the same: 0, or -1 if there is none. */
int login_state_secret(unsigned char secret[static HASH_MAX]);

#endif

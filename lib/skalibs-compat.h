/* skalibs 2.13, 2.14 and 2.15 differ in a few names; every difference is settled here. */
#ifndef POSTERN_SKALIBS_COMPAT_H
#define POSTERN_SKALIBS_COMPAT_H

#include <sys/types.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <skalibs/djbunix.h>
/* child_spawn* moved out of djbunix.h in 2.14. */
#if __has_include(<skalibs/cspawn.h>)
#include <skalibs/cspawn.h>
#endif
/* The tain functions moved from tai.h's neighbours in older trees; tai.h has them in all three. */
#include <skalibs/tai.h>

#endif

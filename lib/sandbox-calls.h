/* System calls that some architectures never had: none of them is ever made there. */
#ifndef POSTERN_SANDBOX_CALLS_H
#define POSTERN_SANDBOX_CALLS_H

#include <sys/syscall.h>

#define SANDBOX_NO_CALL (-1)

#ifndef SYS_poll
#define SYS_poll SANDBOX_NO_CALL
#define SYS_select SANDBOX_NO_CALL
#define SYS_dup2 SANDBOX_NO_CALL
#define SYS_open SANDBOX_NO_CALL
#define SYS_stat SANDBOX_NO_CALL
#define SYS_lstat SANDBOX_NO_CALL
#define SYS_access SANDBOX_NO_CALL
#define SYS_readlink SANDBOX_NO_CALL
#define SYS_mkdir SANDBOX_NO_CALL
#define SYS_rmdir SANDBOX_NO_CALL
#define SYS_unlink SANDBOX_NO_CALL
#define SYS_rename SANDBOX_NO_CALL
#define SYS_link SANDBOX_NO_CALL
#define SYS_symlink SANDBOX_NO_CALL
#define SYS_chmod SANDBOX_NO_CALL
#define SYS_mknod SANDBOX_NO_CALL
#define SYS_getdents SANDBOX_NO_CALL
#define SYS_pause SANDBOX_NO_CALL
#define SYS_epoll_create SANDBOX_NO_CALL
#define SYS_epoll_wait SANDBOX_NO_CALL
#endif
#ifndef SYS_renameat
#define SYS_renameat SANDBOX_NO_CALL
#endif
#ifndef SYS_newfstatat
#define SYS_newfstatat SANDBOX_NO_CALL
#endif
#ifndef SYS_fadvise64
#define SYS_fadvise64 SANDBOX_NO_CALL
#endif
#ifndef SYS_time
#define SYS_time SANDBOX_NO_CALL
#endif
/* 32-bit times and their 64-bit successors. */
#ifndef SYS_clock_gettime64
#define SYS_clock_gettime64 SANDBOX_NO_CALL
#endif
#ifndef SYS_ppoll_time64
#define SYS_ppoll_time64 SANDBOX_NO_CALL
#endif
/* Newer than some headers; the same number everywhere. */
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef SYS_clone3
#define SYS_clone3 435
#endif
#ifndef SYS_faccessat2
#define SYS_faccessat2 439
#endif

#endif

/* Calls that Linux has and an older musl does not declare. */
#ifndef POSTERN_LINUX_COMPAT_H
#define POSTERN_LINUX_COMPAT_H

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef RENAME_NOREPLACE /* musl before 1.2.6 */
#define RENAME_NOREPLACE 1
#define RENAME_EXCHANGE 2
static inline int
renameat2(int fd_from, char const *from, int fd_to, char const *to, unsigned int flags)
{
	return (int)syscall(SYS_renameat2, fd_from, from, fd_to, to, flags);
}
#endif

#ifndef STATX_BTIME /* musl before 1.2.5 */
/* Elsewhere than beside glibc it makes the S_IF names of sys/stat.h again, in other digits. */
#ifdef __GLIBC__
#include <linux/stat.h>
#else
#define __GLIBC__ 2
#include <linux/stat.h>
#undef __GLIBC__
#endif
static inline int
statx(int fd, char const *restrict path, int flags, unsigned int mask, struct statx *restrict st)
{
	return (int)syscall(SYS_statx, fd, path, flags, mask, st);
}
#endif

#ifndef SYS_pidfd_open /* newer than some headers; the same number everywhere */
#define SYS_pidfd_open 434
#endif
#define pidfd_open(pid, flags) ((int)syscall(SYS_pidfd_open, (pid), (flags)))

#endif

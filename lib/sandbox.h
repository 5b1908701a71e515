/* What a process gives up: its user, new files and sockets, memory without bound. Two layers, and
 * either alone still holds most of it: Landlock says which files may be reached, a seccomp
 * allow-list says which system calls exist at all. A kernel that lacks one costs a log line
 * (event=sandbox), not the service. All of it passes on through exec, so never before running a
 * user's program. */
#ifndef POSTERN_SANDBOX_H
#define POSTERN_SANDBOX_H

#include <stddef.h>
#include <stdint.h>

/* System calls beyond those on descriptors that are open already, memory, time and exit. */
enum {
	SANDBOX_FILES =
	    1, /* open, stat, rename, unlink, ...: what Landlock leaves of them */
	SANDBOX_SOCKETS = 2,  /* socket and connect: Unix, IPv4, IPv6; nothing listens */
	SANDBOX_SOURCE = 8,   /* beside SOCKETS: a socket may be bound to an address, a TCP one to no port */
	SANDBOX_THREADS = 16, /* threads of this process, no others */
	SANDBOX_ANY_CALL = 4, /* no seccomp filter: Landlock and limits alone */
	SANDBOX_CODE = 4096, /* memory is executed: what loads code later on, as iconv does */
	SANDBOX_SYMLINKS = 32, /* beside FILES: symbolic links are made */
	SANDBOX_ZYGOTE = 64, /* what lib/zygote.h needs: copies of this process, and a limit of 0 for them */
	SANDBOX_NETWORK = 128,  /* what OpenSSL, libunbound and libcurl need on open sockets; beside
				* SOCKETS and THREADS */
	SANDBOX_ACCEPT = 512, /* connections are taken from a socket that listens already */
	SANDBOX_CHILDREN = 256, /* forks, waits, and kills; the children may confine themselves further */
};

/* What may be done below a path. */
enum {
	SANDBOX_READ = 1, /* files and directories read */
	SANDBOX_EDIT = 2, /* written, made, renamed, linked, truncated, removed as well */
	SANDBOX_RUN = 4,  /* executed */
	SANDBOX_LINK = 8, /* symbolic links made */
	SANDBOX_ODD = 16, /* beside EDIT: what is moved there may be a link, a socket, a device */
};

struct sandbox_path {
	char const *path; /* null ends the list; one that does not exist is passed over */
	unsigned int access;
};

struct sandbox {
	unsigned int calls;
	struct sandbox_path const *paths; /* null: no file at all */
	uint64_t memory;		  /* RLIMIT_AS in bytes; 0: as it is */
	unsigned int files;	/* RLIMIT_NOFILE; 0: as it is. poll needs as many as it is given */
	uint64_t file_size;	/* RLIMIT_FSIZE; 0 none may grow, SANDBOX_UNLIMITED: as it is */
	unsigned int processes; /* RLIMIT_NPROC; SANDBOX_ANY: as it is */
	/* With SANDBOX_SOCKETS: TCP ports that it may connect to, ended by 0; null: any. What Landlock
	 * knows from version 4 on. */
	unsigned short const *ports;
};
#define SANDBOX_UNLIMITED UINT64_MAX
#define SANDBOX_ANY ((unsigned int)-1)

/* If root: takes GIDLIST, GID and UID of the environment (s6-envuidgid), for good. Exits 100 with a
 * message when root and UID or GID is missing, bad or 0: bytes from outside are never parsed as
 * root. Does nothing for other users. */
void sandbox_drop_user(void);

/* Closes every descriptor from 3 on but the count in keep (any order; -1 is passed over). */
void sandbox_close_but(int const *keep, size_t count);

/* Sets a resource limit (RLIMIT_...), soft and hard, unless a lower one is there. 0, or -1 with
 * errno. */
int sandbox_limit(unsigned int what, uint64_t n);

/* Does the part of sandbox_enter that may be done once for many processes that are forked later: s
 * and all it points to must stay. What its paths lead to is what is there now. Exits 111 if that
 * fails. Again: in place of what was prepared before. */
void sandbox_prepare(struct sandbox const *s);

/* Of that, what only depends on s->calls: for processes that are forked later and whose paths
 * differ. */
void sandbox_prepare_filter(struct sandbox const *s);

/* no_new_privs, not dumpable, Landlock, the limits and no core, seccomp, in this order. Exits 111
 * if the kernel has a layer and it cannot be put on. Descriptor 2 stays writable: when it is a
 * regular file, RLIMIT_FSIZE is left alone. */
void sandbox_enter(struct sandbox const *s);

#endif

#include "lib/sandbox-layers.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/sandbox-calls.h"
#include "lib/sandbox-mode.h"

/* The kernel's interface (landlock(7)), spelled out because headers are often older than kernels.
 */
struct ruleset_attr {
	uint64_t fs, net, scoped;
};
struct path_attr {
	uint64_t allowed;
	int32_t parent_fd;
} __attribute__((packed));

struct port_attr {
	uint64_t allowed, port;
};

enum { RULE_PATH_BENEATH = 1, RULE_NET_PORT = 2 };

enum {
	FS_EXECUTE = 1 << 0,
	FS_WRITE_FILE = 1 << 1,
	FS_READ_FILE = 1 << 2,
	FS_READ_DIR = 1 << 3,
	FS_REMOVE_DIR = 1 << 4,
	FS_REMOVE_FILE = 1 << 5,
	FS_MAKE_CHAR = 1 << 6,
	FS_MAKE_DIR = 1 << 7,
	FS_MAKE_REG = 1 << 8,
	FS_MAKE_SOCK = 1 << 9,
	FS_MAKE_FIFO = 1 << 10,
	FS_MAKE_BLOCK = 1 << 11,
	FS_MAKE_SYM = 1 << 12,
	FS_REFER = 1 << 13,
	FS_TRUNCATE = 1 << 14,
	FS_IOCTL_DEV = 1 << 15,
	FS_VERSION_1 = (1 << 13) - 1,
	FS_OF_FILES = FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV,

	NET_BIND = 1 << 0,
	NET_CONNECT = 1 << 1,
	SCOPE_ABSTRACT_UNIX = 1 << 0,
	SCOPE_SIGNAL = 1 << 1,
};

/* Everything that this version of Landlock can refuse, but TCP connections to those who may make
 * any. */
static struct ruleset_attr
handled(struct sandbox const *s, int version)
{
	struct ruleset_attr a = {.fs = FS_VERSION_1};
	if (version >= 2)
		a.fs |= FS_REFER;
	if (version >= 3)
		a.fs |= FS_TRUNCATE;
	if (version >= 4)
		a.net = s->calls & SANDBOX_SOCKETS && !s->ports ? NET_BIND : NET_BIND | NET_CONNECT;
	if (version >= 5)
		a.fs |= FS_IOCTL_DEV;
	if (version >= 6)
		a.scoped = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL;
	return a;
}

static uint64_t
rights(unsigned int access)
{
	uint64_t r = 0;
	if (access & SANDBOX_READ)
		r |= FS_READ_FILE | FS_READ_DIR;
	if (access & SANDBOX_EDIT)
		r |= FS_WRITE_FILE | FS_REMOVE_DIR | FS_REMOVE_FILE | FS_MAKE_DIR | FS_MAKE_REG |
		     FS_MAKE_FIFO | FS_REFER | FS_TRUNCATE;
	if (access & SANDBOX_RUN)
		r |= FS_EXECUTE;
	if (access & SANDBOX_LINK)
		r |= FS_MAKE_SYM;
	if (access & SANDBOX_ODD)
		r |= FS_MAKE_CHAR | FS_MAKE_SOCK | FS_MAKE_BLOCK | FS_MAKE_SYM;
	return r;
}

static int
add_path(int ruleset, uint64_t fs, struct sandbox_path const *p)
{
	struct stat st;
	int fd = open(p->path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	struct path_attr a = {.allowed = rights(p->access) & fs, .parent_fd = fd};
	if (!fstat(fd, &st) && !S_ISDIR(st.st_mode))
		a.allowed &= FS_OF_FILES;
	long r = a.allowed ? syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &a, 0) : 0;
	int e = errno;
	close(fd);
	errno = e;
	return r < 0 ? -1 : 0;
}

static int
add_port(int ruleset, uint64_t allowed, unsigned short port)
{
	struct port_attr a = {.allowed = allowed, .port = port};
	return (int)syscall(SYS_landlock_add_rule, ruleset, RULE_NET_PORT, &a, 0);
}

static int
add_ports(int ruleset, struct sandbox const *s)
{
	int r = 0;
	for (unsigned short const *p = s->ports; !r && p && *p; p++)
		r = add_port(ruleset, NET_CONNECT, *p);
	/* Port 0, one that the kernel chooses: to connect from an address, where listening is of no
	 * use. */
	return r || !(s->calls & SANDBOX_SOURCE) ? r : add_port(ruleset, NET_BIND, 0);
}

/* Version 1 refuses every rename and link between directories: no Maildir works under it. */
static int
edits(struct sandbox const *s)
{
	for (struct sandbox_path const *p = s->paths; p && p->path; p++)
		if (p->access & SANDBOX_EDIT)
			return 1;
	return 0;
}

int
sandbox_landlock_rules(struct sandbox const *s)
{
	int const version = sandbox_has_landlock();
	if (version < 1 || (version == 1 && edits(s)))
		return SANDBOX_NO_LANDLOCK;
	struct ruleset_attr a = handled(s, version);
	/* Older kernels take a longer struct whose unknown part is zero. */
	int ruleset = (int)syscall(SYS_landlock_create_ruleset, &a, sizeof a, 0);
	if (ruleset < 0)
		return -1;
	int r = 0;
	for (struct sandbox_path const *p = s->paths; !r && p && p->path; p++)
		r = add_path(ruleset, a.fs, p);
	if (!r && a.net)
		r = add_ports(ruleset, s);
	if (!r)
		return ruleset;
	close(ruleset);
	return -1;
}

int
sandbox_landlock(int rules)
{
	if (rules == SANDBOX_NO_LANDLOCK)
		return 0;
	long const r = syscall(SYS_landlock_restrict_self, rules, 0);
	close(rules);
	return r < 0 ? -1 : 1;
}

/* The system call filter, instruction by instruction, against its table read from the top: every
 * number, for every set of groups, with arguments that pass and fail each check. */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "lib/sandbox-calls.h"
#include "lib/sandbox-filter.h"
#include "lib/sandbox.h"

#include "tests/unit/tap.h"

#define ARGUMENTS 4
static unsigned int const values[] = {0, 1, 2, 3, 4, 6, 7, 8, 10, 40, F_DUPFD_CLOEXEC,
    CLONE_VM | CLONE_VFORK, CLONE_PARENT | SIGCHLD, PR_SET_NAME, CLONE_THREAD,
    CLONE_NEWUSER | CLONE_VM, MSG_FASTOPEN, O_TRUNC, O_TRUNC | O_RDWR, SIGKILL, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, AT_EMPTY_PATH,
    0xffffffff};
enum { VALUES = sizeof values / sizeof *values };

/* What the program says; 1 is no verdict: it ran off its end or into what must not be there. */
static uint32_t
run(struct sock_filter const *code, size_t len, struct seccomp_data const *d)
{
	uint32_t a = 0;
	for (size_t i = 0; i < len; i++) {
		struct sock_filter const *f = code + i;
		int yes = 0;
		switch (f->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			memcpy(&a, (char const *)d + f->k, sizeof a);
			continue;
		case BPF_RET | BPF_K:
			return f->k;
		case BPF_JMP | BPF_JA:
			i += f->k;
			continue;
		case BPF_JMP | BPF_JEQ:
			yes = a == f->k;
			break;
		case BPF_JMP | BPF_JGE:
			yes = a >= f->k;
			break;
		case BPF_JMP | BPF_JSET:
			yes = (a & f->k) != 0;
			break;
		default:
			return 1;
		}
		i += yes ? f->jt : f->jf;
	}
	return 1;
}

static int
passes(enum sandbox_verdict v, struct seccomp_data const *d)
{
	uint32_t const first = (uint32_t)d->args[0], second = (uint32_t)d->args[1];
	switch (v) {
	case ANY_ARGUMENT:
		return 1;
	case OPENAT:
		return !(d->args[2] & O_TRUNC) || d->args[2] & O_ACCMODE;
	case OPEN:
		return !(second & O_TRUNC) || second & O_ACCMODE;
	case EMPTY_PATH:
		return (d->args[3] & AT_EMPTY_PATH) != 0;
	case QUERY:
		return !first && !(uint32_t)d->args[2];
	case FORK:
		return !(first & (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
				    CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET));
	case CONFINES:
		return first == PR_SET_PDEATHSIG || (first == PR_SET_DUMPABLE && !second) ||
		       first == PR_SET_NO_NEW_PRIVS || first == PR_SET_SECCOMP;
	case OWN:
		return !first;
	case NO_FASTOPEN:
		return !(d->args[3] & MSG_FASTOPEN);
	case NO_FASTOPEN_MSG:
		return !(d->args[2] & MSG_FASTOPEN);
	case SIGNAL_KILL:
		return !second || second == SIGKILL;
	case FCNTL_PLAIN:
		return second == F_GETFD || second == F_SETFD || second == F_GETFL ||
		       second == F_SETFL || second == F_DUPFD_CLOEXEC || second == F_ADD_SEALS ||
		       second == F_GET_SEALS;
	case NOT_EXECUTABLE:
		return !(d->args[2] & PROT_EXEC);
	case KNOWN_FAMILY:
		return first == AF_UNIX || first == AF_INET || first == AF_INET6;
	case TCP_OPTION:
		return second == 6;
	case SIGNAL_NONE:
		return !second;
	case THREAD:
		return (first & CLONE_THREAD) != 0;
	case COPY:
		return first == (CLONE_PARENT | SIGCHLD);
	case NAME:
		return first == PR_SET_NAME;
	case OWN_PROCESSES:
		return !first && second == RLIMIT_NPROC;
	default:
		return 0;
	}
}

static uint32_t
refused(unsigned int groups)
{
	return groups & SANDBOX_KILLS ? SECCOMP_RET_KILL_PROCESS : SECCOMP_RET_ERRNO | EPERM;
}

static uint32_t
wanted(unsigned int groups, struct seccomp_data const *d)
{
	for (struct sandbox_call const *c = sandbox_calls; c < sandbox_calls + sandbox_calls_count;
	     c++)
		if (c->number == d->nr && c->groups & (groups | SANDBOX_BASE))
			return passes(c->verdict, d)	    ? SECCOMP_RET_ALLOW
			       : c->verdict == UNKNOWN_CALL ? SECCOMP_RET_ERRNO | ENOSYS
			       : c->verdict == NO_FASTOPEN || c->verdict == NO_FASTOPEN_MSG
				   ? SECCOMP_RET_ERRNO | EOPNOTSUPP
			       : c->verdict == PROBE || c->verdict == EMPTY_PATH
				   ? SECCOMP_RET_ERRNO | EPERM
							    : refused(groups);
	return refused(groups);
}

/* How many numbers are decided wrongly. */
static unsigned int
wrong_ones(struct sock_filter const *code, size_t len, unsigned int groups)
{
	struct seccomp_data d = {.arch = SANDBOX_ARCHITECTURE};
	unsigned int wrong = 0;
	for (int n = -1; n <= SANDBOX_NUMBERS; n++)
		for (size_t v = 0; v < VALUES * VALUES; v++) {
			d.nr = n == -1 ? 0x40000000 : n;
			for (int i = 0; i < ARGUMENTS; i++)
				d.args[i] = 0xffffffff00000000u |
					    values[i == 1 ? v / VALUES : v % VALUES];
			wrong += run(code, len, &d) != wanted(groups, &d);
		}
	return wrong;
}

int
main(void)
{
	static unsigned int const sets[] = {
	    0, SANDBOX_FILES, SANDBOX_SOCKETS, SANDBOX_FILES | SANDBOX_SOCKETS,
	    SANDBOX_FILES | SANDBOX_THREADS | SANDBOX_CODE, SANDBOX_KILLS, SANDBOX_FILES | SANDBOX_KILLS,
	    SANDBOX_FILES | SANDBOX_SOCKETS | SANDBOX_ZYGOTE,
	    SANDBOX_NETWORK | SANDBOX_KILLS, SANDBOX_NETWORK | SANDBOX_SOCKETS | SANDBOX_THREADS,
	    SANDBOX_CHILDREN | SANDBOX_FILES | SANDBOX_THREADS | SANDBOX_KILLS,
	    SANDBOX_CHILDREN | SANDBOX_NETWORK | SANDBOX_SOCKETS | SANDBOX_SOURCE};
	tap_ok(sandbox_calls_count < 200, "the filter has room for the table");
	for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
		struct sock_filter code[SANDBOX_FILTER_MAX];
		struct seccomp_data const foreign = {
		    .arch = SANDBOX_ARCHITECTURE + 1, .nr = SYS_read};
		size_t len = sandbox_filter(code, sets[i]);
		tap_num("no number is decided wrongly", wrong_ones(code, len, sets[i]), 0);
		struct seccomp_data const suppressed = {.arch = SANDBOX_ARCHITECTURE, .nr = -1};
		tap_num("a call that a tracer suppresses kills nobody", run(code, len, &suppressed),
		    SECCOMP_RET_ERRNO | (sets[i] & SANDBOX_KILLS ? ENOSYS : EPERM));
		tap_num("another architecture is killed", run(code, len, &foreign),
		    SECCOMP_RET_KILL_PROCESS);
		tap_ok(len < 300, "the program is short: %zu", len);
	}
	return tap_done();
}

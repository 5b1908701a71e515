#include "lib/sandbox-layers.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "lib/sandbox-calls.h"
#include "lib/sandbox-filter.h"
#include "lib/sandbox-mode.h"

#ifdef SANDBOX_ARCHITECTURE
/* The low half of a 64-bit argument. */
#define ARGUMENT(n) ((uint32_t)offsetof(struct seccomp_data, args[n]))
#define NEAR 255 /* how far a conditional jump reaches */
#define NAMESPACES                                                                                 \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |             \
	    CLONE_NEWPID | CLONE_NEWNET)

/* The program is a binary search over spans of numbers with the same verdict: the kernel walks it
 * for every number there is when it is installed, which a list would make long. It is written from
 * its end, so that what is jumped to is there already; a place is an index into code. */
struct program {
	struct sock_filter *code; /* SANDBOX_FILTER_MAX of them */
	unsigned int start;
	unsigned int verdict[SANDBOX_VERDICTS]; /* the place of each verdict's instructions */
};

struct span {
	unsigned int first; /* to the next span's */
	enum sandbox_verdict verdict;
};

/* Puts an instruction in front: its place. */
static unsigned int
front(struct program *p, struct sock_filter i)
{
	p->code[--p->start] = i;
	return p->start;
}

static unsigned int
give(struct program *p, uint32_t result)
{
	return front(p, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, result));
}

static unsigned int
load(struct program *p, uint32_t offset)
{
	return front(p, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset));
}

/* A place within reach that leads there. */
static unsigned int
within_reach(struct program *p, unsigned int place)
{
	unsigned int far = place - p->start;
	return far < NEAR - 1 ? place
			      : front(p, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, far));
}

static unsigned int
branch(struct program *p, unsigned short test, uint32_t k, unsigned int yes, unsigned int no)
{
	yes = within_reach(p, yes);
	no = within_reach(p, no);
	return front(p, (struct sock_filter)BPF_JUMP(BPF_JMP | test | BPF_K, k,
			    (unsigned char)(yes - p->start), (unsigned char)(no - p->start)));
}

/* The argument must be one of the values. */
static void
check_one_of(struct program *p, enum sandbox_verdict v, unsigned int argument,
    uint32_t const *values, size_t count)
{
	unsigned int no = p->verdict[REFUSED];
	while (count--)
		no = branch(p, BPF_JEQ, values[count], p->verdict[ANY_ARGUMENT], no);
	p->verdict[v] = load(p, ARGUMENT(argument));
}

static void
check_bits(struct program *p, enum sandbox_verdict v, unsigned int argument, uint32_t bits,
    enum sandbox_verdict with, enum sandbox_verdict without)
{
	branch(p, BPF_JSET, bits, p->verdict[with], p->verdict[without]);
	p->verdict[v] = load(p, ARGUMENT(argument));
}

/* What starts and confines others. */
static void
put_of_children(struct program *p)
{
	static uint32_t const none[] = {0}, kills[] = {0, SIGKILL};
	static uint32_t const confines[] = {PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP};
	unsigned int *v = p->verdict;
	branch(p, BPF_JEQ, 0, v[ANY_ARGUMENT], v[REFUSED]);
	unsigned int no = load(p, ARGUMENT(1));
	no = branch(p, BPF_JEQ, PR_SET_DUMPABLE, no, v[REFUSED]);
	for (size_t i = 0; i < sizeof confines / sizeof *confines; i++)
		no = branch(p, BPF_JEQ, confines[i], v[ANY_ARGUMENT], no);
	v[CONFINES] = load(p, ARGUMENT(0));
	check_one_of(p, OWN, 0, none, 1);
	check_one_of(p, SIGNAL_KILL, 1, kills, sizeof kills / sizeof *kills);
	check_bits(p, FORK, 0, NAMESPACES, REFUSED, ANY_ARGUMENT);
}

static void
put_of_zygotes(struct program *p)
{
	static uint32_t const copies[] = {CLONE_PARENT | SIGCHLD}, names[] = {PR_SET_NAME};
	unsigned int *v = p->verdict;
	check_one_of(p, COPY, 0, copies, 1);
	check_one_of(p, NAME, 0, names, 1);
	branch(p, BPF_JEQ, RLIMIT_NPROC, v[ANY_ARGUMENT], v[REFUSED]);
	unsigned int const which = load(p, ARGUMENT(1));
	branch(p, BPF_JEQ, 0, which, v[REFUSED]);
	v[OWN_PROCESSES] = load(p, ARGUMENT(0));
}

static void
put_of_network(struct program *p)
{
	unsigned int *v = p->verdict;
	check_bits(p, NO_FASTOPEN, 3, MSG_FASTOPEN, UNSUPPORTED, ANY_ARGUMENT);
	check_bits(p, NO_FASTOPEN_MSG, 2, MSG_FASTOPEN, UNSUPPORTED, ANY_ARGUMENT);
	check_bits(p, EMPTY_PATH, 3, AT_EMPTY_PATH, ANY_ARGUMENT, PROBE);
	branch(p, BPF_JEQ, 0, v[ANY_ARGUMENT], v[REFUSED]);
	unsigned int const what = load(p, ARGUMENT(2));
	branch(p, BPF_JEQ, 0, what, v[REFUSED]);
	v[QUERY] = load(p, ARGUMENT(0));
}

static void
put_of_files(struct program *p)
{
	unsigned int *v = p->verdict;
	unsigned int const writes = branch(p, BPF_JSET, O_ACCMODE, v[ANY_ARGUMENT], v[REFUSED]);
	branch(p, BPF_JSET, O_TRUNC, writes, v[ANY_ARGUMENT]);
	v[OPENAT] = load(p, ARGUMENT(2));
	branch(p, BPF_JSET, O_TRUNC, writes, v[ANY_ARGUMENT]);
	v[OPEN] = load(p, ARGUMENT(1));
}

static void
put_verdicts(struct program *p, unsigned int groups)
{
	static uint32_t const fcntl_plain[] = {
	    F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC, F_ADD_SEALS, F_GET_SEALS};
	static uint32_t const families[] = {AF_UNIX, AF_INET, AF_INET6};
	static uint32_t const none[] = {0}, levels[] = {6 /* IPPROTO_TCP */};
	unsigned int *v = p->verdict;
	v[REFUSED] =
	    give(p, groups & SANDBOX_KILLS ? SECCOMP_RET_KILL_PROCESS : SECCOMP_RET_ERRNO | EPERM);
	v[PROBE] = give(p, SECCOMP_RET_ERRNO | EPERM);
	v[UNSUPPORTED] = give(p, SECCOMP_RET_ERRNO | EOPNOTSUPP);
	v[ANY_ARGUMENT] = give(p, SECCOMP_RET_ALLOW);
	v[UNKNOWN_CALL] = give(p, SECCOMP_RET_ERRNO | ENOSYS);
	if (groups & SANDBOX_CHILDREN)
		put_of_children(p);
	if (groups & SANDBOX_ZYGOTE)
		put_of_zygotes(p);
	if (groups & (SANDBOX_SOCKETS | SANDBOX_NETWORK))
		put_of_network(p);
	if (groups & SANDBOX_FILES)
		put_of_files(p);
	check_one_of(p, FCNTL_PLAIN, 1, fcntl_plain, sizeof fcntl_plain / sizeof *fcntl_plain);
	check_one_of(p, KNOWN_FAMILY, 0, families, sizeof families / sizeof *families);
	check_one_of(p, SIGNAL_NONE, 1, none, 1);
	check_one_of(p, TCP_OPTION, 1, levels, 1);
	check_bits(p, THREAD, 0, CLONE_THREAD, ANY_ARGUMENT, REFUSED);
	check_bits(p, NOT_EXECUTABLE, 2, PROT_EXEC, REFUSED, ANY_ARGUMENT);
}

/* What the groups may call, as spans in order; their number. */
static size_t
make_spans(struct span *span, unsigned int groups)
{
	unsigned char of[SANDBOX_NUMBERS] = {REFUSED};
	size_t n = 0;
	/* Backwards: of two rows the first counts. */
	for (size_t i = sandbox_calls_count; i--;) {
		struct sandbox_call const *c = sandbox_calls + i;
		if (c->number != SANDBOX_NO_CALL && c->groups & (groups | SANDBOX_BASE))
			of[c->number] = (unsigned char)c->verdict;
	}
	for (unsigned int i = 0; i < SANDBOX_NUMBERS; i++)
		if (!i || of[i] != of[i - 1])
			span[n++] = (struct span){i, of[i]};
	return n;
}

/* Decides between n spans: the place where that begins. */
static unsigned int
decide(struct program *p, struct span const *span, size_t n)
{
	if (n == 1)
		return p->verdict[span->verdict];
	/* One number among others of one kind: half as long. */
	if (n == 3 && span[0].verdict == span[2].verdict && span[2].first == span[1].first + 1)
		return branch(p, BPF_JEQ, span[1].first, p->verdict[span[1].verdict],
		    p->verdict[span[0].verdict]);
	size_t half = n / 2;
	unsigned int above = decide(p, span + half, n - half);
	unsigned int below = decide(p, span, half);
	return branch(p, BPF_JGE, span[half].first, above, below);
}

size_t
sandbox_filter(struct sock_filter code[static SANDBOX_FILTER_MAX], unsigned int groups)
{
	struct span span[SANDBOX_NUMBERS];
	struct program p = {.code = code, .start = SANDBOX_FILTER_MAX};
	put_verdicts(&p, groups);
	unsigned int killed = give(&p, SECCOMP_RET_KILL_PROCESS);
	decide(&p, span, make_spans(span, groups));
	/* What a tracer has suppressed (tests make calls fail so) is no violation. */
	if (groups & SANDBOX_KILLS)
		branch(&p, BPF_JEQ, (uint32_t)SANDBOX_NO_CALL, p.verdict[UNKNOWN_CALL], p.start);
	unsigned int known = load(&p, offsetof(struct seccomp_data, nr));
	branch(&p, BPF_JEQ, SANDBOX_ARCHITECTURE, known, killed);
	load(&p, offsetof(struct seccomp_data, arch));
	size_t len = SANDBOX_FILTER_MAX - p.start;
	memmove(code, code + p.start, len * sizeof *code);
	return len;
}
#else
size_t
sandbox_filter(struct sock_filter code[static SANDBOX_FILTER_MAX], unsigned int groups)
{
	(void)code, (void)groups;
	return 0;
}
#endif

int
sandbox_seccomp(struct sock_fprog const *filter)
{
	if (!filter->len || !sandbox_mode()->filter)
		return 0;
	if (!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filter))
		return 1;
	return errno == EINVAL || errno == ENOSYS ? 0 : -1;
}

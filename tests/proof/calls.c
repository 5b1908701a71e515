/* What is tried that has no name in the file system and is not the network's nor a process's: the
 * own rights, and parts of the kernel that a mail server never needs. Calls that could do harm have
 * arguments that are refused behind the check of rights: to be told anything but "not allowed" is
 * to have come through. */
#include "tests/proof/attempts.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_io_uring_setup
#define SYS_io_uring_setup 425
#endif
#ifndef SYS_fsopen
#define SYS_fsopen 430
#endif
#ifndef SYS_process_madvise
#define SYS_process_madvise 440
#endif
#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif

/* ---- own rights ---- */

/* clang-format off */
static int map_code(void)
{
	void *p = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return p == MAP_FAILED ? errno : 0;
}
static int protect_code(void)
{
	void *p = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return p == MAP_FAILED || mprotect(p, 4096, PROT_READ | PROT_EXEC) < 0 ? errno : 0;
}
static int map_data(void)
{
	void *p = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return p == MAP_FAILED ? errno : 0;
}
static int be_root(void) { return ERRNO((int)RAW(SYS_setuid, 0)); }
static int be_root_group(void) { return ERRNO((int)RAW(SYS_setgid, 0)); }
static int be_saved(void) { return ERRNO((int)RAW(SYS_setresuid, -1, 0, -1)); }
static int join_groups(void) { gid_t g = 0; return ERRNO((int)RAW(SYS_setgroups, 1, &g)); }
static int set_uid_same(void) { return ERRNO((int)RAW(SYS_setresuid, -1, -1, -1)); }
static int capabilities(void) { unsigned int h[2] = {0x20080522, 0}, d[6] = {1, 1, 1, 1, 1, 1}; return ERRNO((int)RAW(SYS_capset, h, d)); }
static int dumpable(void) { return ERRNO((int)RAW(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0)); }
static int more_files(void) { struct rlimit r; return ERRNO((int)RAW(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, &r)); }
static int personality_call(void) { return ERRNO((int)RAW(SYS_personality, 0xffffffff)); }
static int new_session(void) { return REACHED(RAW(SYS_setpgid, 0, 0)); }
static int namespace_user(void) { return REACHED(RAW(SYS_unshare, 0x4)); }
static int namespace_join(void) { return REACHED(RAW(SYS_setns, -1, 0)); }
static int change_root(void) { return REACHED(RAW(SYS_chroot, "/etc/passwd/nonexistent")); }
static int tty_control(void) { int n; return REACHED(ioctl(0, FIONREAD, &n)); }
static int tty_input(void) { return REACHED(ioctl(0, 0x5412 /* TIOCSTI */, "x")); }
static int change_filter(void) { return REACHED(RAW(SYS_prctl, PR_SET_SECCOMP, 2, 0, 0, 0)); }

/* ---- the kernel's larger rooms ---- */

static int k_io_uring(void) { return REACHED(RAW(SYS_io_uring_setup, 1, 0)); }
static int k_bpf(void) { return REACHED(RAW(SYS_bpf, 0, 0, 0)); }
static int k_userfaultfd(void) { return attempt_closed((int)RAW(SYS_userfaultfd, O_CLOEXEC | 1)); }
static int k_perf(void) { return REACHED(RAW(SYS_perf_event_open, 0, 0, -1, -1, 0)); }
static int k_mount(void) { return REACHED(RAW(SYS_mount, "none", "/", "nonexistent", 0, 0)); }
static int k_umount(void) { return REACHED(RAW(SYS_umount2, "/etc/passwd", 0)); }
static int k_fsopen(void) { return REACHED(RAW(SYS_fsopen, "nonexistent", 0)); }
static int k_keyctl(void) { return REACHED(RAW(SYS_keyctl, 0, -3, 0)); }
static int k_add_key(void) { return REACHED(RAW(SYS_add_key, 0, 0, 0, 0, 0)); }
static int k_request_key(void) { return REACHED(RAW(SYS_request_key, 0, 0, 0, 0)); }
static int k_handle(void) { return REACHED(RAW(SYS_open_by_handle_at, -1, 0, 0)); }
static int k_handle_name(void) { return REACHED(RAW(SYS_name_to_handle_at, -1, 0, 0, 0, 0)); }
static int k_fanotify(void) { return REACHED(RAW(SYS_fanotify_init, 0, 0)); }
static int k_module(void) { return REACHED(RAW(SYS_finit_module, -1, "", 0)); }
static int k_kexec(void) { return REACHED(RAW(SYS_kexec_load, 0, 1000, 0, 0)); }
static int k_syslog(void) { return REACHED(RAW(SYS_syslog, 10, 0, 0)); }
static int k_acct(void) { return REACHED(RAW(SYS_acct, "/nonexistent")); }
static int k_swapon(void) { return REACHED(RAW(SYS_swapon, "/nonexistent", 0)); }
static int k_quota(void) { return REACHED(RAW(SYS_quotactl, 0, 0, 0, 0)); }
static int k_hostname(void) { return REACHED(RAW(SYS_sethostname, 0, -1)); }
static int k_settime(void) { return REACHED(RAW(SYS_clock_settime, 99, 0)); }
static int k_shm(void) { return REACHED(RAW(SYS_shmget, 0, 0, 0)); }
static int k_msg(void) { return REACHED(RAW(SYS_msgctl, -1, 0, 0)); }
static int k_sem(void) { return REACHED(RAW(SYS_semget, 0, -1, 0)); }
static int k_mq(void) { return REACHED(RAW(SYS_mq_open, "", 0, 0, 0)); }
static int k_aio(void) { return REACHED(RAW(SYS_io_setup, 0, 0)); }
static int k_timer(void) { return REACHED(RAW(SYS_timer_create, 99, 0, 0)); }
static int k_kcmp(void) { return REACHED(RAW(SYS_kcmp, plan.victim, plan.victim, 99, 0, 0)); }
static int k_madvise(void) { return REACHED(RAW(SYS_process_madvise, -1, 0, 0, 0, 0)); }
static int k_affinity(void) { unsigned long m[16]; return REACHED(RAW(SYS_sched_setaffinity, plan.victim, 0, m)); }
static int k_policy(void) { return REACHED(RAW(SYS_sched_setattr, plan.victim, 0, 0)); }
static int k_splice(void) { return REACHED(RAW(SYS_vmsplice, -1, 0, 0, 0)); }
static int k_secret(void) { return REACHED(RAW(SYS_memfd_secret, ~0u)); }
static int k_robust(void) { return REACHED(RAW(SYS_get_robust_list, plan.victim, 0, 0)); }
static int k_reboot(void) { return REACHED(RAW(SYS_reboot, 0, 0, 0, 0)); }
static int k_membarrier(void) { return REACHED(RAW(SYS_membarrier, -1, 0, 0)); }

static struct attempt const attempts[] = {
	{"map-code", map_code}, {"protect-code", protect_code}, {"map-data", map_data},
	{"setuid", be_root}, {"setgid", be_root_group}, {"seteuid", be_saved}, {"setgroups", join_groups},
	{"setresuid", set_uid_same}, {"capset", capabilities}, {"rlimit", more_files},
	{"personality", personality_call}, {"setpgid", new_session}, {"setns", namespace_join}, {"chroot", change_root},
	{"ioctl", tty_control}, {"tiocsti", tty_input}, {"seccomp", change_filter},
	{"io_uring", k_io_uring}, {"bpf", k_bpf}, {"userfaultfd", k_userfaultfd}, {"perf", k_perf},
	{"mount", k_mount}, {"umount", k_umount}, {"fsopen", k_fsopen}, {"keyctl", k_keyctl},
	{"add-key", k_add_key}, {"request-key", k_request_key}, {"open-by-handle", k_handle},
	{"name-to-handle", k_handle_name}, {"fanotify", k_fanotify}, {"module", k_module}, {"kexec", k_kexec},
	{"syslog", k_syslog}, {"acct", k_acct}, {"swapon", k_swapon}, {"quotactl", k_quota},
	{"sethostname", k_hostname}, {"settime", k_settime}, {"shm", k_shm}, {"msg", k_msg}, {"sem", k_sem},
	{"mq", k_mq}, {"aio", k_aio}, {"timer", k_timer}, {"kcmp", k_kcmp}, {"process-madvise", k_madvise},
	{"affinity", k_affinity}, {"sched", k_policy}, {"vmsplice", k_splice}, {"memfd-secret", k_secret},
	{"robust-list", k_robust}, {"reboot", k_reboot}, {"membarrier", k_membarrier},
	{"dumpable", dumpable}, {"unshare", namespace_user}, /* these change the attacker itself */
};
/* clang-format on */

void
attempt_calls(void)
{
	attempt_each(attempts, sizeof attempts / sizeof *attempts);
}

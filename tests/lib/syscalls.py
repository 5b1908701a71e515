"""Faults and kills at system calls, by strace: which calls a program makes, and runs of it in which one of them goes wrong."""
import collections, os, random, shutil, subprocess

ALL = "FAULTS_ALL" in os.environ
SEED = int(os.environ.get("SEED", 1))
ERRORS = "EIO", "ENOSPC", "EDQUOT", "EMFILE", "ENOMEM", "EINTR"
# Never injected: what the loader and the C library do before main, and calls that cannot return an error that a program could answer.
NEVER = {"execve", "exit_group", "exit", "brk", "arch_prctl", "set_tid_address", "set_robust_list", "rseq", "rt_sigreturn", "restart_syscall", "+++", "---", "<..."}


def missing():
    """Why there can be no such test here, or None."""
    if not shutil.which("strace"):
        return "strace is not installed"
    p = subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"], capture_output=True, text=True)
    return None if p.returncode == 0 else "strace may not trace here"


def prefix(inject, call, n, follow=False):
    """Words before a command: its n-th `call` goes wrong as `inject` says (error=EIO, signal=KILL)."""
    return ["strace", *(["-f"] if follow else []), "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:{inject}:when={n}"]


def count(path):
    """{call: how often} of a trace written by strace -o (without -f)."""
    with open(path, errors="replace") as f:
        names = [line.split("(")[0] for line in f if "(" in line]
    return collections.Counter(n for n in names if n.replace("_", "").isalnum() and n not in NEVER)


tried = 0  # points of all samples


def sample(points, n):
    """All of them with FAULTS_ALL, else so many."""
    print(f"# SEED={SEED}, {len(points)} points" + ("" if ALL else f", {min(n, len(points))} of them"), flush=True)
    global tried
    some = points if ALL else random.Random(SEED).sample(points, min(n, len(points)))
    tried += len(some)
    return some

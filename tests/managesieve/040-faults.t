#!/usr/bin/env python3
"""A session, or the process that holds the active link, is killed at each system call that changes something, or that call
fails. Afterwards: every script is whole and as one of the commands had it, what was answered OK is there, the active script was
there at every moment, what is left lies in sieve/tmp alone, and the next session does what it is told."""
import collections, concurrent.futures, os, re, shutil, subprocess, sys, tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import sievewire
import syscalls
from instance import Tap

tap = Tap()
why = syscalls.missing()
if why:
    print("1..0 # SKIP " + why)
    sys.exit(0)
CALLS = ["openat", "write", "fsync", "renameat", "linkat", "unlinkat", "symlinkat", "mkdirat", "flock", "newfstatat", "sendto", "recvfrom"]
FAULTS = {"openat": "EMFILE", "write": "ENOSPC", "fsync": "EIO", "renameat": "ENOSPC", "linkat": "EMLINK", "unlinkat": "EIO", "symlinkat": "EDQUOT", "flock": "ENOLCK"}
LONG = "x" * 260
# What is done, and what is true of the scripts afterwards.
STEPS = [
    ("put", b'PUTSCRIPT "a" "keep; # 2"'),
    ("new", b'PUTSCRIPT "new" "keep; # n"'),
    ("rename", b'RENAMESCRIPT "a" "b"'),
    ("activate", b'SETACTIVE "new"'),
    ("delete", b'DELETESCRIPT "b"'),
    ("long", b'PUTSCRIPT "' + LONG.encode() + b'" "keep; # l"'),
    ("adopt", b'SETACTIVE "new"'),
]
CONTENT = {"a": {"keep; # 1", "keep; # 2"}, "b": {"keep; # 2"}, "new": {"keep; # n"}, LONG: {"keep; # l"}, "dovecot.orig": {"stop; # hand"}}
top = tempfile.mkdtemp(prefix="postern-sieve.", dir="/var/tmp")
os.makedirs(top + "/instance/etc")


def home(name):
    path = f"{top}/{name}"
    os.makedirs(path + "/sieve/tmp")
    for script, text in ("a", "keep; # 1"), ("other", "keep; # o"):
        with open(f"{path}/sieve/{script}.sieve", "w") as f:
            f.write(text)
    os.symlink("sieve/a.sieve", path + "/.dovecot.sieve")
    return path


def session(path, prefix=()):
    return sievewire.Session([*prefix, shutil.which("managesieve")], HOME=path, USER="u", POSTERN_DIR=top + "/instance", ASAN_OPTIONS="detect_leaks=0")


def by_hand(path):
    """Somebody replaces the link by a file."""
    with open(path + "/hand", "w") as f:
        f.write("stop; # hand")
    os.rename(path + "/hand", path + "/.dovecot.sieve")


def files(path):
    found = {}
    for directory, _, names in os.walk(path + "/sieve"):
        for name in names:
            with open(os.path.join(directory, name)) as f:
                found[os.path.relpath(os.path.join(directory, name), path + "/sieve")] = f.read()
    return found


def active(path):
    try:
        with open(path + "/.dovecot.sieve") as f:
            return f.read()
    except FileNotFoundError:
        return None


def wrong(path, done):
    """What is not as it must be, after the steps that were answered OK."""
    problems, found = [], files(path)
    for name, text in found.items():
        script = name.removesuffix(".sieve").removeprefix(".long/").replace("/", "")
        if not name.startswith("tmp/") and text not in CONTENT.get(script, {"keep; # o"}):
            problems.append(f"{name} holds {text!r}")
    if found.get("other.sieve") != "keep; # o":
        problems.append("another script is gone")
    state = active(path)
    if state not in ("keep; # 1", "keep; # 2", "keep; # n", "stop; # hand"):
        problems.append(f"active: {state!r}")
    if "put" in done and not {"a.sieve", "b.sieve"} & found.keys() and "delete" not in done and "activate" not in done:
        problems.append("what was stored is gone")
    if "put" in done and "keep; # 1" in found.values():
        problems.append("the old text is back")
    if "new" in done and found.get("new.sieve") != "keep; # n":
        problems.append("the new script is gone")
    if "rename" in done and "a.sieve" in found:
        problems.append("the old name is back")
    if "activate" in done and state not in ("keep; # n", "stop; # hand"):
        problems.append(f"activated, but: {state!r}")
    if "delete" in done and "b.sieve" in found:
        problems.append("what was deleted is back")
    if "long" in done and "keep; # l" not in found.values():
        problems.append("the long name is gone")
    if "adopt" in done and (found.get("dovecot.orig.sieve") != "stop; # hand" or state != "keep; # n"):
        problems.append("what was put there by hand is gone")
    problems += [f"litter: {n}" for n in os.listdir(path) if not re.fullmatch(r"sieve|\.dovecot\.sieve(\.[a-z0-9_]+)?", n)]
    with session(path) as s:
        names = s.list()
        for name in [n for n in names if not names[n]]:
            s.get(name)
        for command in b'PUTSCRIPT "after" "keep;"', b'SETACTIVE "after"', b'RENAMESCRIPT "after" "later"', b'SETACTIVE ""', b'DELETESCRIPT "later"':
            s.ok(command)
    return problems


def run(point):
    number, call, n, inject = point
    path, done, refused = home(f"h{number}"), set(), []
    prefix = syscalls.prefix(inject, call, n, follow=True)
    try:
        with session(path, prefix) as s:
            for name, command in STEPS:
                if name == "adopt":
                    by_hand(path)
                final = s.command(command)[1]
                if final.startswith(b"OK"):
                    done.add(name)
                else:
                    refused.append(final)
    except (EOFError, ConnectionError):
        refused.append(b"died")
    if len(done) < len(STEPS):
        hit.append(point)
    problems = wrong(path, done)
    if inject != "signal=KILL":
        problems += [f"refused so: {r!r}" for r in refused if not re.match(rb"died|NO \((TRYLATER|QUOTA|NONEXISTENT|ALREADYEXISTS|ACTIVE)\)", r)]
    shutil.rmtree(path)
    return problems and f"{call} {n} {inject}, done {sorted(done)}: {problems}"


# How often each call is made: by the one process and by the other, as strace counts them.
path = home("count")
with session(path, ["strace", "-f", "-qq", "-o", top + "/trace", "-e", "trace=" + ",".join(CALLS)]) as s:
    for name, command in STEPS:
        if name == "adopt":
            by_hand(path)
        s.ok(command)
tap.ok(not wrong(path, {n for n, _ in STEPS}), "all steps in order")
with open(top + "/trace", errors="replace") as f:
    counts = collections.Counter(m.groups() for m in map(re.compile(r"(\d+) +(\w+)\(").match, f) if m)
most = collections.Counter()
for (_, call), n in counts.items():
    most[call] = max(most[call], n)
points = [(c, n, "signal=KILL") for c in CALLS for n in range(1, most[c] + 1)]
points += [(c, n, "error=" + FAULTS[c]) for c in FAULTS for n in range(1, most[c] + 1)]
hit = []
with concurrent.futures.ThreadPoolExecutor(3) as pool:
    bad = [p for p in pool.map(run, [(i, *p) for i, p in enumerate(points)]) if p]
tap.ok(not bad, f"{len(points)} kills and faults", *bad[:8])
tap.ok(len(hit) > len(points) / 2, f"{len(hit)} of them hit a command")
shutil.rmtree(top)
tap.done()

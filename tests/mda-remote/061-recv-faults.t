#!/usr/bin/env python3
"""spool-recv: each of its system calls fails, with each error, or is the last before a kill -9; and its files end at any length. What it said 250
for is in the spool, whole; nothing half is there; it says what is wrong and ends by itself. (A sample; all with FAULTS_ALL=1. SEED.)"""
import concurrent.futures, itertools, os, re, resource, subprocess, sys, tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import syscalls
from instance import tap
from smtppeer import Remote

if why := syscalls.missing():
    print(f"1..0 # SKIP {why}")
    sys.exit(0)
LINES = 2000
TEXT = ("y" * 70 + "\r\n") * LINES
HELLO = "LHLO x\r\n"
serial = itertools.count()


def run(r, words=(), before=None):
    """(id, the process, what it answered to the message: codes)"""
    name = f"k{next(serial)}"
    dialog = f"{HELLO}XFORWARD IDENT={name}\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nRCPT TO:<e@d.test>\r\nDATA\r\n{TEXT}.\r\nQUIT\r\n"
    p = subprocess.run([*words, "spool-recv"], input=dialog.encode(), capture_output=True, env=r.env, cwd="/", timeout=120, preexec_fn=before)
    out = p.stdout.decode()
    return name, p, re.findall(r"^(\d{3}) ", out[out.index("354"):], re.M)[1:] if "354" in out else None


def wrong(r, name, p, codes, may_die):
    """What is not as it should be."""
    files = [n for d in "0123456789abcdef" if os.path.isdir(f"{r.dir}/spool/{d}") for n in [f"{r.dir}/spool/{d}/{name}"] if os.path.exists(n)]
    whole = [open(f, "rb").read() for f in files]
    said = [c for c in codes or [] if c == "250"]
    bad = []
    if len(said) not in (0, 2) and not may_die:
        bad.append("two recipients of one message, two answers")
    if said and len(files) != 1:
        bad.append("250, and it is not there")
    if any(not w.startswith(b"postern-spool 1\n") or len(w.split(b"\n\n", 1)[1]) != 71 * LINES or int(re.search(rb"\nl 0*(\d+)", b"\n" + w)[1]) != 71 * LINES for w in whole):
        bad.append("half a message")
    if not may_die and (p.returncode < 0 or p.returncode not in (0, 100, 111)):
        bad.append(f"exit {p.returncode}")
    if not may_die and codes and not said and files:
        bad.append("refused, and there all the same")
    if not may_die and (p.returncode or (codes and not said)) and not p.stderr and not p.stdout:
        bad.append("not a word")
    for f in files:
        os.unlink(f)
    return bad


with Remote() as r:
    r.queue("x@x.test", id="first")
    for f in r.files().values():
        os.unlink(f)
    trace = f"{r.dir}/trace"
    name, p, codes = run(r, ["strace", "-qq", "-o", trace])
    calls = syscalls.count(trace)
    tap.ok(codes == ["250", "250", "221"] and not wrong(r, name, p, codes, False) and calls["fsync"] + calls["fdatasync"] >= 2, "under strace: as ever", codes, p.stderr, calls)

    points = [(c, n + 1, f"error={e}") for c, k in calls.items() for n in range(k) for e in syscalls.ERRORS]
    kills = [(c, n + 1, "signal=KILL") for c, k in calls.items() for n in range(k)]
    bad = []

    def one(point):
        call, n, inject = point
        name, p, codes = run(r, syscalls.prefix(inject, call, n))
        # Before main the loader decides what a fault means.
        early = not p.stdout and b"spool-recv: " not in p.stderr
        found = wrong(r, name, p, codes, inject.startswith("signal") or early)
        return (point, found, codes, p.returncode, p.stderr.decode()[-300:]) if found else None
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for what, some in ("fails", syscalls.sample(points, 120)), ("is the last", syscalls.sample(kills, 60)):
            bad = [b for b in pool.map(one, some) if b]
            tap.ok(not bad, f"each call {what}: {len(some)} runs", *bad[:10])
    left = r.unnamed()
    tap.ok(len(left) <= len(kills) + 20, "what has no name is swept later", len(left))

    # Short writes: the file may grow to so many octets and no further.
    lengths = [0, 1, 15, 16, 65, 66, 200, 65535, 65536, 65537, 131072, 71 * LINES, 71 * LINES + 100]
    for most in lengths if syscalls.ALL else lengths[::2]:
        name, p, codes = run(r, before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)))
        tap.ok(codes == ["452", "452", "221"] and not wrong(r, name, p, codes, False) and not [n for n in r.unnamed() if n not in left], f"{most} octets and no more: 452", codes, p.stderr)
print(f"# proof: the spool, whichever call of spool-recv fails or is the last | {syscalls.tried} | {tap.failed}")
tap.done()

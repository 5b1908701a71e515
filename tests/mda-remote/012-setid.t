#!/usr/bin/env python3
"""spool-recv set-id for the spool's owner, run by another user: nothing that the caller prepared counts. A row per thing that a caller can prepare.
Needs root and a mount namespace, in which the compiled-in instance directory is one of the test's own."""
import os, re, resource, shutil, signal, subprocess, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from instance import tap, wait_for
from smtppeer import BIN

SPACE = ["unshare", "-m"]
if "inside" not in sys.argv:
    if os.getuid() or subprocess.run([*SPACE, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True).returncode:
        print("1..0 # SKIP needs root and a mount namespace")
        sys.exit(0)
    sys.exit(subprocess.run([*SPACE, sys.executable, __file__, "inside"]).returncode)
subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "none", "/var/lib"], check=True)
DIR, EVIL, STRANGER, OWNER = "/var/lib/postern", "/var/lib/evil", 12345, 65534
for d in DIR, DIR + "/etc", DIR + "/spool", DIR + "/bin", EVIL, EVIL + "/etc", EVIL + "/spool", EVIL + "/gone":
    os.mkdir(d)
for d in (EVIL, EVIL + "/etc", EVIL + "/spool", EVIL + "/gone"):
    os.chown(d, STRANGER, STRANGER)
for d, name in (DIR, "right.test"), (EVIL, "evil.test"):
    with open(d + "/etc/me", "w") as f:
        f.write(name + "\n")
os.chown(DIR + "/spool", OWNER, OWNER)
os.chmod(DIR + "/spool", 0o700)
PROGRAM = DIR + "/bin/spool-recv"
for name in "spool-recv", "sendmail":
    shutil.copy(f"{BIN}/{name}", f"{DIR}/bin/{name}")
os.chown(PROGRAM, OWNER, OWNER)
os.chmod(PROGRAM, 0o4711)
BODY = "Subject: s\r\n\r\n" + ("y" * 70 + "\r\n") * 1500
DIALOG = f"LHLO x\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\n{BODY}.\r\nQUIT\r\n".encode()
HOSTILE = {"LD_PRELOAD": EVIL + "/evil.so", "LD_LIBRARY_PATH": EVIL, "LD_AUDIT": EVIL + "/evil.so", "LD_DEBUG": "all", "POSTERN_DIR": EVIL, "PATH": EVIL, "IFS": "/", "POSTERN_ID": "evil",
           "UID": "0", "GID": "0", "GIDLIST": "0", "TZ": "../../../etc/shadow", "TMPDIR": EVIL, "PROTO": "TCP", "TCPREMOTEIP": "192.0.2.1", "TCPLOCALIP": "x" * 10000, "LISTEN_FDS": "3",
           "GCONV_PATH": EVIL, "NLSPATH": EVIL, "LOCPATH": EVIL, "MALLOC_TRACE": EVIL + "/trace", "GLIBC_TUNABLES": "glibc.malloc.check=3", "RESOLV_HOST_CONF": "/etc/shadow", "RELAYCLIENT": "",
           "ASAN_OPTIONS": "log_path=" + EVIL + "/asan"}


def queued():
    found = []
    for d in "0123456789abcdef":
        where = f"{DIR}/spool/{d}"
        found += [f"{where}/{n}" for n in (os.listdir(where) if os.path.isdir(where) else [])]
    return found


def limits(**kw):
    def prepare():
        for name, n in kw.items():
            resource.setrlimit(getattr(resource, "RLIMIT_" + name), (n, n))
    return prepare


def close(*fds):
    return lambda: [os.close(fd) for fd in fds]


def ignore():
    for s in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
        try:
            signal.signal(s, signal.SIG_IGN)
        except OSError:
            pass  # the C library keeps it
    signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals))


def vanish():
    os.chdir(EVIL + "/gone")
    os.rmdir(EVIL + "/gone")


def run(before=None, env=None, args=(), program=PROGRAM, stdin=DIALOG):
    """A stranger's run: the process, and the new files of the spool."""
    old = set(queued())
    p = subprocess.run([program, *args], input=stdin, capture_output=True, env=HOSTILE if env is None else env, cwd="/", user=STRANGER, group=STRANGER, extra_groups=[], preexec_fn=before, timeout=60)
    return p, [n for n in queued() if n not in old]


def whole(path):
    with open(path, "rb") as f:
        text = f.read()
    st = os.stat(path)
    head, body = text.split(b"\n\n", 1)
    return (head.startswith(b"postern-spool 1\n") and b"\nf a@b.test\n" in head and b"\nL uid-12345" in head + b"\n" and re.match(rb"Received: by right\.test \(postern, from uid 12345\) id \S+;\n\t.*\n", body)
            and body.endswith(BODY.replace("\r\n", "\n").encode()) and st.st_mode & 0o777 == 0o600 and st.st_uid == OWNER)


EVERY, SOME, NONE = range(3)  # queued; queued or not, but never half; not queued
os.umask(0o022)
for what, want, kw in (
        ("a hostile environment", EVERY, {}), ("none", EVERY, {"env": {}}), ("a huge one", EVERY, {"env": {f"X{i}": "x" * 100000 for i in range(10)}}),
        ("an argument", NONE, {"args": ["x"]}), ("huge arguments", NONE, {"args": ["x" * 100000] * 10}),
        ("no descriptor 0", NONE, {"before": close(0)}), ("no descriptor 1", SOME, {"before": close(1)}), ("no descriptor 2", EVERY, {"before": close(2)}),
        ("neither 0, 1 nor 2", NONE, {"before": close(0, 1, 2)}), ("1 and 2 closed", SOME, {"before": close(1, 2)}),
        ("umask 0", EVERY, {"before": lambda: os.umask(0)}), ("umask 777", EVERY, {"before": lambda: os.umask(0o777)}),
        ("every signal ignored and blocked", EVERY, {"before": ignore}),
        ("files of no length", NONE, {"before": limits(FSIZE=0)}), ("of 4096 octets", NONE, {"before": limits(FSIZE=4096)}),
        ("a working directory that is gone", EVERY, {"before": vanish}),
        *((f"{n} descriptors", SOME, {"before": limits(NOFILE=n)}) for n in (3, 4, 5, 6, 7, 8, 10)), ("12 descriptors", EVERY, {"before": limits(NOFILE=12)}),
        *((f"{n} MB of memory", SOME, {"before": limits(AS=n << 20)}) for n in (1, 4, 8, 16)),
        ("no stack to speak of", SOME, {"before": limits(STACK=65536)}), ("no second of processor time", SOME, {"before": limits(CPU=1)}),
        ("its ids are asked for", NONE, {"stdin": b"LHLO x\r\nXFORWARD IDENT=evil\r\nQUIT\r\n"})):
    p, new = run(**kw)
    said = b"250 2.0.0 Queued" in p.stdout
    tap.ok(all(map(whole, new)) and len(new) <= 1 and (not said or len(new) == 1) and (want == SOME or (len(new) == 1) == (want == EVERY)), f"{what}: {['queued, whole', 'never half', 'not queued'][want]}", p, new)
    tap.ok(want != EVERY or (b"evil" not in p.stdout + p.stderr and said and p.returncode == 0), "and nothing of the caller's in what it says", p)
tap.ok(not os.listdir(EVIL + "/spool") and sorted(os.listdir(EVIL)) == ["etc", "spool"], "the caller's instance was not touched", os.listdir(EVIL))

# While it runs: whose it is, what it holds, what it hears.
fds = [os.open("/", os.O_RDONLY) for _ in range(20)]
for fd in fds:
    os.set_inheritable(fd, True)
before = set(queued())
p = subprocess.Popen([PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=HOSTILE, cwd="/", user=STRANGER, group=STRANGER, extra_groups=[], close_fds=False,
                     preexec_fn=lambda: (ignore(), signal.setitimer(signal.ITIMER_REAL, 0.3), signal.setitimer(signal.ITIMER_VIRTUAL, 0.01)))
begun = time.monotonic()
line = p.stdout.readline()
with open(f"/proc/{p.pid}/status") as f:
    status = dict(l.rstrip("\n").split(":\t", 1) for l in f if ":\t" in l)
tap.ok(line.startswith(b"220 right.test") and status["Uid"].split() == [str(OWNER)] * 4, "the owner's uid, for good", line, status["Uid"])
tap.ok(int(status["SigBlk"], 16) == 0 and int(status["SigIgn"], 16) == 1 << signal.SIGPIPE - 1 | 1 << signal.SIGXFSZ - 1, "no signal blocked, only PIPE and XFSZ ignored", status["SigBlk"], status["SigIgn"])
held = {n: os.readlink(f"/proc/{p.pid}/fd/{n}") for n in os.listdir(f"/proc/{p.pid}/fd")}
tap.ok(all(int(n) < 3 or t.startswith(DIR) for n, t in held.items()), "no descriptor of the caller's from 3 on", held)
for what, command in ("a signal", f"kill -STOP {p.pid}"), ("a look at its memory", f"cat /proc/{p.pid}/environ"), ("tracing", f"head -c1 /proc/{p.pid}/mem"):
    tap.ok(subprocess.run(["sh", "-c", command], user=STRANGER, group=STRANGER, extra_groups=[], capture_output=True).returncode != 0, f"the caller may not: {what}")
while time.monotonic() < begun + 0.5:  # its timers would have ended it by then
    p.stdin.write(b"NOOP\r\n")
    p.stdin.flush()
    p.stdout.readline()
p.stdin.write(DIALOG)
p.stdin.close()
out = p.stdout.read()
tap.ok(p.wait(60) == 0 and b"250 2.0.0 Queued" in out, "the caller's timers do not ring", out[-200:], p.returncode)

# Through sendmail, which finds it beside itself.
p, new = run(program=DIR + "/bin/sendmail", args=["-f", "a@b.test", "c@d.test"], env={"POSTERN_DIR": DIR, "PATH": EVIL}, stdin=BODY.replace("\r\n", "\n").encode())
tap.ok(p.returncode == 0 and len(new) == 1 and all(w in open(new[0], "rb").read() for w in (b"from uid 12345", b"\nL uid-12345\n")), "sendmail queues with nothing running", p, new)
tap.done()

#!/usr/bin/env python3
"""The walker: retries, rests, limits, order, controls, settings read anew, damaged files, what it sweeps, its end; mailq."""
import os, shutil, signal, subprocess, sys, threading, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from instance import LIMIT, tap, wait_for
from smtppeer import STALL, Peer, Remote

SLOW = {"retry-min": "1h", "retry-max": "2h", "host-retry-min": "1h", "host-retry-max": "2h"}


def mailq(r, *args):
    return subprocess.run(["mailq", *args], env=r.env, capture_output=True, text=True, timeout=120, cwd="/")


def to(peer, settings=None):
    return Remote({"smtp-port": peer.port, **(settings or {})}, routes="*: [127.0.0.1]")


# Retries until it works; only who waits is tried again.
with Peer(script={"RCPT": [None, "450 4.2.0 later", "450 4.2.0 later"]}) as peer, to(peer) as r:
    r.start()
    r.queue(["a@x.test", "b@x.test"])
    r.wait_empty()
    tap.ok([m.rcpts for m in peer.messages] == [["RCPT TO:<a@x.test>"], ["RCPT TO:<b@x.test>"]] and len(r.log("event=deferred", "to=b@")) == 2, "tried again, each once", r.lines)

# The schedule survives a restart; mailq shows it; ALRM and mailq -f try now.
with Peer(script={"RCPT": "450 4.2.0 <later>"}) as peer, to(peer, SLOW) as r:
    r.start()
    name = r.queue(["a@x.test", "b@x.test"], body="Subject: x\n\n\x1b[31m\n")
    r.wait("event=deferred", count=2)
    wait_for(lambda: os.stat(r.files()[name]).st_mtime > time.time() + 3000, "the due time in mtime")
    r.stop()
    out = mailq(r).stdout
    tap.ok(name in out and "from <sender@home.test>" in out and out.count("waiting") == 2 and "450 4.2.0 <later>" in out and "127.0.0.1" in out
           and ("next try in 59m" in out or "next try in 1h" in out or "next try in 5" in out) and "1 message," in out, "mailq: id, age, sender, recipients, last reply, next try", out)
    n = len(r.log("event=deferred"))
    r.start()
    peer.script = {}
    other = r.queue("c@x.test")
    r.wait("event=done", other)
    tap.ok(name in r.files() and len(r.log("event=deferred")) == n, "a restart keeps the time of the next try", r.lines)
    for how in ("ALRM", "mailq -f", "mailq -f id"):
        peer.script = {"RCPT": "450 4.2.0 again"}
        n = len(r.log("event=deferred"))
        if how == "ALRM":
            r.process.send_signal(signal.SIGALRM)
        else:
            done = mailq(r, *(["-f"] if how == "mailq -f" else ["-f", name]))
            tap.ok(done.returncode == 0, how, done)
        r.wait("event=deferred", count=n + 2)
        wait_for(lambda: os.stat(r.files()[name]).st_mtime > time.time() + 3000, "settled")
        tap.ok(True, how + " tries it now")
    peer.script = {}
    mailq(r, "-f")
    r.wait_empty()
    tap.ok(mailq(r).stdout == "the spool is empty\n", "mailq of an empty spool")
    tap.ok(mailq(r, "-x").returncode == 100 and mailq(r, "id").returncode == 100 and mailq(r, "-f", "../x").returncode == 100, "mailq: bad usage")
    r.stop()
    tap.ok(mailq(r, "-f").returncode == 111, "mailq -f with nothing running: 111")
if os.getuid() == 0:
    with Remote() as r:
        r.queue("a@x.test")
        p = subprocess.run(["mailq"], env=r.env, capture_output=True, text=True, user=12345, group=12345, cwd="/")
        tap.ok(p.returncode == 100 and "owner" in p.stderr, "mailq of a stranger: a clear error", p)
else:
    tap.skip("mailq of a stranger", "needs root")

# A destination that does not answer rests; another goes on; the rest ends by itself.
with Peer() as peer, to(peer, {"host-retry-min": "1h", "host-retry-max": "2h", "retry-min": "50ms", "retry-max": "60ms"}) as r:
    r.set("routes", "dead.test: [127.0.0.1]:1\n*: [127.0.0.1]")
    r.start()
    for i in range(3):  # as many as one connection's share: a fourth is parked if it comes while the window shrinks
        r.queue(f"u{i}@dead.test")
    r.queue("a@x.test")
    r.wait("event=delivered", "to=a@x.test")
    r.wait("event=deferred", count=3)
    tap.ok(len(r.log("event=rest")) == 1 and not r.log("event=connect", "dead"), "a dead destination rests")
    n = len(r.log("event=rest"))
    r.queue("late@dead.test")
    r.wait("event=deferred", "late@dead.test")
    tap.ok(len(r.log("event=rest")) == n, "a new message for it waits without being tried", r.lines[-4:])

# Limits of connections; newest first.
gate = threading.Event()


class Slow(Peer):
    """Counts connections, each from its start until QUIT: the next one may begin when that is answered."""
    now = most = 0
    lock = threading.Lock()

    def count(self, change):
        with self.lock:
            self.now += change
            self.most = max(self.most, self.now)

    def serve(self, connection):
        self.count(1)
        super().serve(connection)


def hold(line):
    gate.wait(LIMIT)


for settings, domains, want in (({"remote-connections-per-destination": "3"}, ["x.test"], 3), ({"remote-connections": "2"}, ["x.test", "y.test", "z.test"], 2)):
    gate.clear()
    with Slow(script={"MAIL": hold, "QUIT": lambda line: peer.count(-1)}) as peer, to(peer, {**settings, "remote-messages-per-connection": "2"}) as r:
        r.set("routes", "\n".join(f"{d}: [127.0.0.1]:{peer.port} tls={'no' if i else 'may'}" for i, d in enumerate(domains)))
        for i in range(9):
            r.queue(f"u{i}@{domains[i % len(domains)]}")
        r.start()
        wait_for(lambda: peer.now == want, f"{want} connections")
        gate.set()
        r.wait_empty()
        tap.ok(peer.most == want and len(peer.messages) == 9, f"{settings}: {want} at a time, all delivered", peer.most)
with Peer() as peer, to(peer, {"remote-connections": "1", "remote-connections-per-destination": "1"}) as r:
    for i in range(6):
        r.queue(f"u{i}@x.test")
        if i == 2:
            second = int(time.time())  # arrival has seconds
            wait_for(lambda: time.time() > second + 1, "the next second")
    r.start()
    r.wait_empty()
    order = [m.rcpts[0] for m in peer.messages]
    tap.ok(set(order[:3]) == {f"RCPT TO:<u{i}@x.test>" for i in (3, 4, 5)}, "the newest first", order)

# Where the kernel gives no inotify instance, settings are looked at.
if not shutil.which("strace"):
    tap.skip("without inotify", "strace is not installed")
else:
    with Peer(script={"RCPT": "450 4.2.0 later"}) as peer, to(peer, SLOW) as r:
        r.start(under=["strace", "-o", "/dev/null", "-e", "trace=inotify_init1", "-e", "inject=inotify_init1:error=EMFILE"])
        pid = r.process.pid
        for value in ("soon", "30ms"):
            r.set("retry-min", value)
            r.wait("event=settings", "bad" if value == "soon" else "state=read")
        tap.ok(True, "without inotify settings are read anew, too")
        os.kill(int(open(f"/proc/{pid}/task/{pid}/children").read().split()[0]), signal.SIGTERM)
        r.process.wait(timeout=120)

# Settings are read anew; a bad one is named and the old stays.
with Peer(script={"RCPT": "450 4.2.0 later"}) as peer, to(peer, SLOW) as r:
    r.start()
    name = r.queue("a@x.test")
    r.wait("event=deferred")
    r.set("retry-min", "soon")
    r.wait("event=settings", "bad")
    tap.ok(any("etc/retry-min" in l for l in r.lines) and r.process.poll() is None, "a bad setting is named, and the old ones stay", r.lines)
    r.set("retry-min", "30ms")
    r.set("retry-max", "40ms")
    r.wait("event=settings", "state=read")
    r.process.send_signal(signal.SIGALRM)
    r.wait("event=deferred", count=5)
    tap.ok(True, "a changed setting counts at once")
    r.set("retry-min", "5x")
    r.stop()
    p = subprocess.run(["mda-remote"], env=r.env, capture_output=True, text=True, timeout=120, cwd="/")
    tap.ok(p.returncode == 100 and "etc/retry-min" in p.stderr, "at the start it is exit 100", p)

# Damaged files are set aside and never hold up the rest.
with Peer() as peer, to(peer) as r:
    first = r.queue("a@x.test")
    whole = open(r.files()[first], "rb").read()
    for name in r.files().values():
        os.unlink(name)
    damage = {"empty": b"", "version": whole.replace(b"spool 1", b"spool 2"), "short": whole[:-1], "long": whole + b"x", "cut": whole[:60], "state": whole.replace(b"r w-", b"r q-"),
              "record": whole.replace(b"\ni ", b"\nZ "), "twice": whole.replace(b"\nb 0", b"\nb 0\nb 0"), "missing": whole.replace(b"\nb 0", b""), "nul": whole.replace(b"r w", b"r\0w"),
              "address": whole.replace(b"a@x.test", b"a@x test"), "number": whole.replace(b"\na 1", b"\na x"), "binary": os.urandom(5000)}
    for name, data in damage.items():
        with open(f"{r.dir}/spool/3/{name}", "wb") as f:
            f.write(data)
        os.chown(f"{r.dir}/spool/3/{name}", os.stat(f"{r.dir}/spool").st_uid, -1)
    # In the directory that their names lead to.
    for h in "0123456789abcdef":
        for name in damage:
            if h != "3":
                os.link(f"{r.dir}/spool/3/{name}", f"{r.dir}/spool/{h}/{name}")
    os.mkdir(f"{r.dir}/spool/4/directory")
    os.symlink("/etc/passwd", f"{r.dir}/spool/5/link")
    os.mkfifo(f"{r.dir}/spool/6/fifo")
    for n, text in (("7/orphan:why", "x"), ("tmp/old", "x"), ("tmp/young", "x"), ("8/.old", "x"), ("8/.young", "x")):
        with open(f"{r.dir}/spool/{n}", "w") as f:
            f.write(text)
    for n in "tmp/old", "8/.old":
        os.utime(f"{r.dir}/spool/{n}", (time.time() - 90000, time.time() - 90000))
    name = r.queue("a@x.test")
    r.start()
    r.wait("event=delivered", "to=a@x.test")
    r.wait("event=damaged", count=len(damage))
    tap.ok(set(damage) <= set(os.listdir(f"{r.dir}/spool/damaged")), "damaged files are set aside", os.listdir(f"{r.dir}/spool/damaged"))
    tap.ok(all(r.log("event=damaged", f"file={n} ") for n in damage), "with a line each", r.log("event=damaged"))
    wait_for(lambda: not any(os.path.exists(f"{r.dir}/spool/{n}") for n in ("tmp/old", "8/.old", "7/orphan:why")), "the sweep")
    tap.ok(os.path.exists(f"{r.dir}/spool/8/.young") and not os.path.exists(f"{r.dir}/spool/8/.old") and r.log("event=swept file=.old"), "also where it is written", r.log("event=swept"))
    tap.ok(os.path.exists(f"{r.dir}/spool/tmp/young") and not os.path.exists(f"{r.dir}/spool/7/orphan:why"), "what a crash left is swept, what may be written still is not")

# One walks.
with Peer() as peer, to(peer) as r:
    r.start()
    p = subprocess.run(["mda-remote"], env=r.env, capture_output=True, text=True, timeout=120, cwd="/")
    tap.ok(p.returncode == 111 and "another mda-remote" in p.stderr, "a second one ends with 111", p)
    p = subprocess.run(["mda-remote", "-z"], env=r.env, capture_output=True, text=True, timeout=120, cwd="/")
    tap.ok(p.returncode == 100, "usage: 100", p)
    read, write = os.pipe()
    r.stop()
    second = subprocess.Popen(["mda-remote", "-d", str(write)], env=r.env, pass_fds=[write], stderr=subprocess.DEVNULL, cwd="/")
    os.close(write)
    tap.ok(os.read(read, 10) == b"\n" and os.read(read, 10) == b"", "-d: readiness")
    second.terminate()
    tap.ok(second.wait(timeout=120) == 0, "TERM: 0")

# TERM lets a delivery in progress end, and takes no new one.
gate.clear()
with Peer(script={"dot": lambda line: gate.wait(LIMIT) and None}) as peer, to(peer, {"remote-connections": "1"}) as r:
    a = r.queue("a@x.test")
    r.start()
    wait_for(lambda: peer.messages, "the message is on its way")
    b = r.queue("b@x.test")
    r.process.send_signal(signal.SIGTERM)
    r.wait("event=stop")
    gate.set()
    tap.ok(r.process.wait(timeout=120) == 0 and list(r.files()) == [b] and len(peer.messages) == 1, "TERM: what is on its way ends, nothing new begins", r.lines)
    r.process = None

# Woken at once, and by a flood of names.
with Peer() as peer, to(peer) as r:
    r.start()
    fifo = os.open(f"{r.dir}/spool/trigger", os.O_WRONLY | os.O_NONBLOCK)
    for junk in (b"no-such-file\n", b"\n", b"../../etc/passwd\n", b"x" * 4000 + b"\n", b"!nonsense\n", b"\0\n", b"half"):
        os.write(fifo, junk)
    os.write(fifo, b"\n")
    start = time.monotonic()
    r.queue("a@x.test")
    r.wait_empty()
    tap.ok(time.monotonic() - start < 60 and r.process.poll() is None, "nonsense in the fifo does no harm", r.lines)
tap.done()

#!/usr/bin/env python3
"""mda-remote and smtp-send: each of their system calls fails, with each error, or is the last before a kill -9; of mda-remote-dns the kills. Behind
it, and a restart where it ended, every recipient has the message, every report is there, each once; twice only where smtp-send itself ended, or lost
its connection, between the server's 250 and its record of it (doc/spool.md). (A sample; all with FAULTS_ALL=1, of some calls with FAULTS_CALLS="openat read". SEED.)"""
import collections, concurrent.futures, os, re, shutil, signal, subprocess, sys, tempfile, threading, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import syscalls
from instance import tap, wait_for
from smtppeer import BIN, Peer, Remote, place

if why := syscalls.missing():
    print(f"1..0 # SKIP {why}")
    sys.exit(0)
STALL_SECONDS = 100  # a walker that has not done it by then waits for something that will not come
SETTINGS = {"retry-min": "10ms", "retry-max": "20ms", "host-retry-min": "10ms", "host-retry-max": "20ms", "remote-timeout": "30"}
BODY = "Subject: original\n\nhello\n"
RCPTS = ("good", 2), ("bad1", 0), ("grey", 0), ("bad2", 0)  # and their NOTIFY
HEAD = f"postern-spool 1\nl {len(BODY):020}\ns {len(BODY) + 3:020}\nc 7\ni orig\na {{now}}\nx {{later}}\nf sender@home.test\nb 0\n"


def message():
    now = int(time.time())
    head = HEAD.format(now=now, later=now + 432000)
    return head + "".join(f"r w- {n} - {a}@x.test\n" for a, n in RCPTS) + "\n" + BODY


class Scene:
    """A spool with one message, a server that takes one recipient, refuses two, and wants one later. limited: of its sender's two notifications
    the second is only counted, and told by a digest."""

    def __init__(self, limited=False):
        grey = ["450 4.2.0 later"]
        self.peer = Peer(script={"RCPT": lambda line: "550 5.1.1 no" if "bad" in line else grey.pop() if "grey" in line and grey else None}, ext=["PIPELINING"])
        self.r = Remote({"smtp-port": self.peer.port, **SETTINGS, **({"bounce-limit": "1", "bounce-period": "100ms"} if limited else {})}, routes="*: [127.0.0.1]")
        owner = os.stat(self.r.dir + "/spool")
        for d in "0123456789abcdef":
            os.mkdir(f"{self.r.dir}/spool/{d}", 0o700)
            os.chown(f"{self.r.dir}/spool/{d}", owner.st_uid, owner.st_gid)
        path = f"{self.r.dir}/spool/{place('orig')}/orig"
        with open(path, "w") as f:
            f.write(message())
        os.chown(path, owner.st_uid, owner.st_gid)
        os.chmod(path, 0o600)
        self.stalled = False

    def busy(self):
        """In the order in which a digest moves, so that it is not missed between two looks."""
        where = [f"{self.r.dir}/spool/{d}" for d in ("digest", "tmp")]
        return any("+" in n or w.endswith("digest") for w in where if os.path.isdir(w) for n in os.listdir(w)) or bool(self.r.files())

    def walk(self, words=(), env={}):
        """Runs a walker until all is done or it has ended: its exit code, None if it was still alive."""
        p = subprocess.Popen([*words, "mda-remote"], env={**self.r.env, **env}, stderr=subprocess.PIPE, cwd="/", text=True, errors="replace", start_new_session=True)
        reader = threading.Thread(target=lambda: self.r.lines.extend(l.rstrip() for l in p.stderr), daemon=True)
        reader.start()
        end = time.monotonic() + (STALL_SECONDS if words or env else 300)
        pause = 0.005
        # A notification can enter a directory that was looked at already while its message leaves one that was not: so twice.
        while p.poll() is None and (self.busy() or self.busy()) and time.monotonic() < end:
            time.sleep(pause)  # polling
            pause = min(0.05, pause * 1.5)
        self.stalled = p.poll() is None and time.monotonic() >= end
        code = p.poll()
        if code is None:
            p.terminate()
            p.wait(300)
        reader.join(60)  # an smtp-send that outlives it holds the pipe
        p.stderr.close()
        return code

    def finish(self):
        """Until the spool is empty, by walkers that nothing befalls."""
        for _ in range(3):
            if not self.busy() and not os.listdir(self.r.dir + "/spool/tmp"):
                break
            self.walk()

    def wrong(self, may_double=False):
        copies, reports = collections.defaultdict(list), collections.Counter()
        for m in self.peer.messages:
            for rcpt in m.rcpts:
                copies[rcpt.split("<")[1].split("@")[0]].append(m)
        for m in copies.pop("sender", []):
            for who in re.findall(rb"^(?:Final-Recipient: rfc822; |failed: <|relayed: <)(\w+)@", m.data, re.M):
                reports[who.decode()] += 1
        bad = []
        for who in "good", "grey":
            c = copies.pop(who, [])
            if not c:
                bad.append(f"{who}: lost")
            elif len(c) > 1 and not (may_double and sum(not died(m) for m in c) <= 1):
                bad.append(f"{who}: {len(c)} times")
        if copies:
            bad.append(f"{copies}: not to be sent")
        for who in "good", "bad1", "bad2":
            if not reports[who] or (reports[who] > 1 and not may_double):
                bad.append(f"{who}: {reports[who]} reports")
        left = {d: os.listdir(f"{self.r.dir}/spool/{d}") for d in ("tmp", "damaged", "digest") if os.path.isdir(f"{self.r.dir}/spool/{d}")}
        if self.r.files() or any(left.values()):
            bad.append(f"left: {self.r.files()} {left}")
        return bad

    def close(self):
        self.peer.close()
        self.r.__exit__()


def died(message):
    """Its session ended behind it: smtp-send did not live to write it down."""
    log = message.session.log
    return log[-1] == "DATA" and [l for l in log if l.startswith("MAIL")][-1] == message.mail


def walker(point):
    call, n, inject = point
    s = Scene(limited=n % 2)
    try:
        code = s.walk(["strace", "-D", *syscalls.prefix(inject, call, n)[1:]])
        stalled, early = s.stalled, not s.r.log("event=start")  # before main the loader decides what a fault means
        s.finish()
        bad = s.wrong()
        # Without random numbers the C library ends the process; the kernel does not fail so.
        if code is not None and code < 0 and not inject.startswith("signal") and call != "getrandom" and not early:
            bad.append(f"killed by {-code}")
        return (point, code, bad + ["stalled"] * stalled, s.r.lines[-12:]) if bad or stalled else None
    finally:
        s.close()


def sender(point):
    """The first smtp-send (or mda-remote-dns) of the walker."""
    program, (call, n, inject) = point
    s = Scene()
    try:
        os.mkdir(s.r.dir + "/bin")
        real = f"{BIN}/{program}"
        words = " ".join(["strace", "-D", *syscalls.prefix(inject, call, n)[1:]])
        with open(f"{s.r.dir}/bin/{program}", "w") as f:
            f.write(f'#!/bin/sh\nmkdir {s.r.dir}/run/once 2>/dev/null || exec {real} "$@"\nexec {words} {real} "$@"\n')
        os.chmod(f"{s.r.dir}/bin/{program}", 0o755)
        os.chmod(s.r.dir + "/run", 0o777)
        s.walk(env={"PATH": s.r.dir + "/bin:" + s.r.env["PATH"]})
        stalled = s.stalled
        s.finish()
        bad = s.wrong(may_double=True)
        return (point, bad + ["stalled"] * stalled, s.r.lines[-12:]) if bad or stalled else None
    finally:
        s.close()


def traced(limited):
    """What calls the walker, and what calls smtp-send make when nothing goes wrong."""
    s = Scene(limited)
    try:
        trace, at = s.r.dir + "/trace", s.r.dir + "/traces"
        os.mkdir(at), os.mkdir(s.r.dir + "/bin")
        os.chmod(at, 0o777)
        for program in "smtp-send", "mda-remote-dns":
            with open(f"{s.r.dir}/bin/{program}", "w") as f:
                f.write(f'#!/bin/sh\nexec strace -D -qq -o {at}/{program}.$$ {BIN}/{program} "$@"\n')
            os.chmod(f"{s.r.dir}/bin/{program}", 0o755)
        s.walk(["strace", "-D", "-qq", "-o", trace], {"PATH": s.r.dir + "/bin:" + s.r.env["PATH"]})
        children = {p: [syscalls.count(f"{at}/{n}") for n in sorted(os.listdir(at)) if n.startswith(p)] for p in ("smtp-send", "mda-remote-dns")}
        return syscalls.count(trace), {p: c[0] for p, c in children.items() if c}, s.wrong()
    finally:
        s.close()


ONLY = os.environ.get("FAULTS_CALLS", "").split()


def points(calls, injects):
    return [(c, n + 1, i) for c, k in calls.items() if c in (ONLY or calls) for n in range(k) for i in injects if c != "close" or "error" not in i]  # (close closes, whatever it says)


calls, children, bad = traced(False)
more, _, worse = traced(True)
calls, bad = calls | more, bad + worse
tap.ok(not bad and calls["openat"] and children["smtp-send"]["pwrite64"], "under strace: as ever", bad, calls, children)
KILL = ["signal=KILL"]
with concurrent.futures.ThreadPoolExecutor(6) as pool:
    for what, fn, some in (("a call of mda-remote is the last", walker, syscalls.sample(points(calls, KILL), 14)),
                           ("a call of mda-remote fails", walker, syscalls.sample(points(calls, [f"error={e}" for e in syscalls.ERRORS]), 16)),
                           ("a call of smtp-send is the last", sender, [("smtp-send", p) for p in syscalls.sample(points(children["smtp-send"], KILL), 8)]),
                           ("a call of smtp-send fails", sender, [("smtp-send", p) for p in syscalls.sample(points(children["smtp-send"], [f"error={e}" for e in (*syscalls.ERRORS, "ECONNRESET")]), 10)]),
                           ("a packet of smtp-send is lost", sender, [("smtp-send", ("sendmsg", n + 1, "error=ENOMEM")) for n in range(children["smtp-send"]["sendmsg"])]),
                           ("a call of mda-remote-dns is the last", sender, [("mda-remote-dns", p) for p in syscalls.sample(points(children["mda-remote-dns"], KILL), 2)])):
        bad = [b for b in pool.map(fn, some) if b]
        tap.ok(not bad, f"{what}: {len(some)} runs", *bad[:20])
print(f"# proof: remote delivery, whichever call fails or is the last | {syscalls.tried} | {tap.failed}")
tap.done()

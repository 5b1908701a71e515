#!/usr/bin/env python3
"""What grows without bound or goes wrong at the edges: messages for thousands, thousands of messages, clocks, connections that
end between two messages, replies out of step, more exchangers and addresses than are looked at, an smtp-send that lies."""
import os, re, socket, subprocess, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from dns import Nsd
from instance import tap, wait_for
from ports import free_port
from smtppeer import BIN, DROP, Peer, Remote

SLOW = {"retry-min": "1h", "retry-max": "2h", "host-retry-min": "1h", "host-retry-max": "2h"}
SANITIZED = b"__asan_init" in open(f"{BIN}/mda-remote", "rb").read()


def to(peer, settings=None):
    return Remote({"smtp-port": peer.port, **SLOW, **(settings or {})}, routes="*: [127.0.0.1]")


def memory(r):
    """The most that mda-remote has had, in MB."""
    return int(re.search(r"VmHWM:\s+(\d+)", open(f"/proc/{r.process.pid}/status").read())[1]) / 1024


# One message for 10,000.
with Peer(script={"RCPT": "550 5.1.1 no " + "x" * 300}) as peer, to(peer, {"spool-recipients": "10000"}) as r:
    name = r.queue([f"u{i}@x.test" for i in range(10000)])
    r.start()
    begin = time.monotonic()
    r.wait("event=bounce", "kind=failed")
    took = time.monotonic() - begin
    wait_for(lambda: name not in r.files(), "its end")
    tap.ok(took < 100, "10,000 recipients refused and reported in less than 100 s", took)
    print(f"# {took:.1f} s, {memory(r):.0f} MB")
# Where the server is too slow for so many questions, the rest is asked again.
with Nsd({"far.test": "x A 127.0.0.1"}) as nsd, Remote({"spool-recipients": "10000", "resolver": f"127.0.0.1@{nsd.port}"}) as r:
    name = r.queue([f"u@d{i}.far.test" for i in range(3000)])
    r.start()
    r.wait("event=failed", count=3000)
    most = memory(r)
    tap.ok(most < 50 or SANITIZED, f"recipients in 3,000 domains: {most:.0f} MB", most)

# What was said of earlier attempts does not pile up.
with Peer(script={"RCPT": "450 4.2.0 " + "later " * 100}) as peer, to(peer, {"retry-min": "1ms", "retry-max": "1ms"}) as r:
    name = r.queue([f"u{i}@x.test" for i in range(50)])
    r.start()
    r.wait("event=deferred", count=50 * 20)
    size = os.stat(r.files()[name] + ":why").st_size
    tap.ok(size < 64 << 10 or size < 50 * 700 * 4, f"NAME:why is trimmed: {size} bytes after 20 rounds", size)

# The queue after an outage that was longer than its messages may live: all is tried, then given up.
with Peer() as peer, to(peer, {"queue-lifetime": "0"}) as r:
    r.queue("a@x.test")
    r.start()
    r.wait("event=delivered", "to=a@x.test")
    tap.ok(not r.log("event=bounce"), "a message whose time is over is tried once more", r.lines)

# Clocks.
with Peer() as peer, to(peer) as r:
    name = r.queue("a@x.test")
    os.utime(r.files()[name], (time.time() + 9e7, time.time() + 9e7))
    r.start()
    r.wait("event=delivered")
    tap.ok(True, "a file from the future is due")
with Peer() as peer, to(peer) as r:
    for field in ("a", "x"):
        name = r.queue("b@x.test")
        with open(r.files()[name], "r+b") as f:
            head = f.read()
            at = head.index(b"\n%s 1" % field.encode()) + 3
            f.seek(0)
            f.write(head[:at] + b"9223372036854775807" + head[at + 10:])
            f.truncate()
    r.queue("a@x.test")
    r.start()
    r.wait("event=delivered", "to=a@x.test")
    r.wait("event=damaged", count=2)
    tap.ok(True, "a time beyond all times is damage")
with Remote({"queue-lifetime": "99999999999999d"}) as r:
    p = subprocess.run(["spool-recv"], input=b"", env=r.env, capture_output=True, cwd="/")
    tap.ok(p.returncode == 100 and b"queue-lifetime" in p.stderr, "a lifetime beyond all times is a bad setting", p)
SHIM = """#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/syscall.h>
int clock_gettime(clockid_t c, struct timespec *t)
{
	long by = 0;
	FILE *f = c == CLOCK_REALTIME && !strcmp(program_invocation_short_name, "mda-remote") ? fopen(getenv("CLOCK_FILE"), "r") : 0;
	if (f) { if (fscanf(f, "%ld", &by) != 1) by = 0; fclose(f); }
	int r = (int)syscall(SYS_clock_gettime, c, t);
	t->tv_sec += by;
	return r;
}
"""
with Peer() as peer, to(peer) as r:
    shim, clock = f"{r.dir}/shim.so", f"{r.dir}/spool/clock"  # where the walker may read it
    built = not SANITIZED and subprocess.run(["cc", "-shared", "-fPIC", "-x", "c", "-", "-o", shim], input=SHIM.encode(), capture_output=True).returncode == 0
    if built:
        with open(clock, "w") as f:
            f.write("0")
        for path in shim, clock:
            os.chmod(path, 0o644)
        os.chmod(r.dir, 0o755)
        r.env.update(LD_PRELOAD=shim, CLOCK_FILE=clock)
        peer.script = {"greeting": "421 4.3.2 later"}
        r.start()
        r.queue("a@x.test")
        r.wait("event=rest")
        peer.script = {}
        with open(clock, "w") as f:
            f.write("-90000000")
        r.wait("event=delivered", "to=a@x.test")
        tap.ok(True, "a clock that is set back: nothing waits for the old time to come again")
    else:
        tap.skip("a clock that is set back", "needs a compiler and no sanitizer")

# A connection that ends between two messages: the next message goes over another, at once. RSET is there only behind a
# transaction that did not come to its end.
for stage, action in ("MAIL", "421 4.7.0 too many messages"), ("RSET", "421 4.7.0 idle"), ("RSET", DROP), ("MAIL", DROP), ("RSET", "554 5.5.1 what"):
    for ext in ["PIPELINING"], []:
        reset = stage == "RSET"
        with Peer(script={"RSET": [action], "RCPT": ["550 5.1.1 no"]} if reset else {stage: [None, action]}, ext=ext) as peer, to(peer, {"remote-connections-per-destination": "1"}) as r:
            for i in range(3):
                r.queue(f"u{i}@x.test", rcpt="NOTIFY=NEVER")
            r.start()
            r.wait_empty()
            taken = len(peer.messages) == len(r.log("event=delivered")) == 3 - reset and len(r.log("event=failed")) == reset
            tap.ok(taken and not r.log("event=deferred") and len(peer.sessions) == 2, f"{stage} {action} {ext}: the next message over a new connection", r.lines, peer.sessions)
with Peer(script={"MAIL": "421 4.7.0 never"}) as peer, to(peer) as r:
    r.queue("a@x.test")
    r.start()
    r.wait("event=deferred", "code=421")
    tap.ok(len(peer.sessions) == 1, "but the first message over a connection is deferred", peer.sessions)

# Replies that are out of step: what comes next is not believed.
for stage, action in ("RCPT", b"250 2.1.5 ok\r\n250 2.1.5 and more\r\n"), ("MAIL", b"250 ok\r\n250 again\r\n"), ("RCPT", "354 go on"), ("DATA", "250 2.0.0 taken"):
    for ext in ["PIPELINING"], []:
        with Peer(script={stage: [action]}, ext=ext) as peer, to(peer, {"remote-connections-per-destination": "1", "retry-min": "50ms", "retry-max": "50ms"}) as r:
            for i in range(2):
                r.queue(f"u{i}@x.test")
            r.start()
            r.wait_empty()
            tap.ok(sorted(m.rcpts[0] for m in peer.messages) == ["RCPT TO:<u0@x.test>", "RCPT TO:<u1@x.test>"] and "RSET" not in peer.sessions[0]
                   and all(b"RSET" not in m.data and b"MAIL FROM" not in m.data for m in peer.messages), f"{stage} {action} {ext}: the connection ends, each message arrives once, as it is", peer.sessions, r.lines)


# More exchangers and addresses than are looked at.
port = free_port("127.0.0.11")
many = "\n".join(f"many MX {50 + i} gone{i:02}" for i in range(40)) + "\nmany MX 1 zz\nzz A 127.0.0.11\n" + "\n".join(f"gone{i:02} A 127.0.0.19" for i in range(40)) + \
    "\nsix MX 1 wide\nwide A 127.0.0.11\n" + "\n".join(f"wide AAAA 100::{i + 1:x}" for i in range(12))
with Nsd({"far.test": many}) as nsd, Peer("127.0.0.11", port) as peer, Remote({**SLOW, "smtp-port": port, "resolver": f"127.0.0.1@{nsd.port}"}) as r:
    r.start()
    r.queue("a@many.far.test")
    r.queue("a@six.far.test")
    r.wait("to=a@many.far.test")
    r.wait("to=a@six.far.test")
    tap.ok(r.log("event=delivered", "to=a@many.far.test") and sum("host=zz.far.test" in l for l in r.log("event=connect")), "41 exchangers: the best is among those that are tried", r.lines)
    tap.ok(r.log("event=delivered", "to=a@six.far.test"), "12 IPv6 addresses leave room for IPv4", r.lines)

# Names with blanks: the LMTP socket's path is a word of what smtp-send reports.
with Remote({**SLOW}, domains="x.test: lmtp:/nonexistent") as r:
    os.makedirs(f"{r.dir}/a dir/run/lmtp")
    for d in ("etc", "spool"):
        os.rename(f"{r.dir}/{d}", f"{r.dir}/a dir/{d}")
    r.set = None
    r.dir, r.env["POSTERN_DIR"] = f"{r.dir}/a dir", f"{r.dir}/a dir"
    with open(f"{r.dir}/etc/domains", "w") as f:
        f.write("x.test:\n")
    if os.getuid() == 0:
        os.chown(r.dir, 65534, 65534)
    os.chmod(os.path.dirname(r.dir), 0o755)
    with Peer(path=f"{r.dir}/run/lmtp/sock", lmtp=True) as peer:
        r.start()
        r.queue("a@x.test")
        r.wait_empty()
        tap.ok(len(peer.messages) == 1, "an instance in a directory whose name has a blank", r.lines)
    top = os.path.dirname(r.dir)
    r.stop()
    subprocess.run(["rm", "-rf", top])

# An smtp-send that dies behind its record, that dies at once, that talks nonsense.
FAKE = """#!/usr/bin/python3
import os, socket, sys
s = socket.socket(fileno=0)
how = open(os.environ["POSTERN_DIR"] + "/how").read()
if how == "die":
    sys.exit(111)
s.recv(100000)
s.send(b"c h 192.0.2.1 - -")
_, fds, _, _ = socket.recv_fds(s, 100000, 1)
if how == "record":
    text = os.pread(fds[0], 4096, 0)
    os.pwrite(fds[0], b"d", text.index(b"\\nr w") + 3)
    sys.exit(0)
for junk in (b"", b"z", b"r", b"r 0 d 250 2.0.0 - - x", b"r 99999 d 250 2.0.0 - - x", b"r 99999999999999999999999 d", b"x", b"b", b"c", b"e"):
    try:
        s.send(junk)
    except OSError:
        pass
"""
with Peer() as peer, to(peer, {"retry-min": "20ms", "retry-max": "20ms", "host-retry-min": "20ms", "host-retry-max": "20ms"}) as r:
    os.makedirs(f"{r.dir}/fake")
    with open(f"{r.dir}/fake/smtp-send", "w") as f:
        f.write(FAKE)
    os.chmod(f"{r.dir}/fake/smtp-send", 0o755)
    os.chmod(r.dir, 0o755)
    path = r.env["PATH"]

    def fake(how):
        with open(f"{r.dir}/how", "w") as f:
            f.write(how)
        r.env["PATH"] = f"{r.dir}/fake:{path}"
        r.start()
        r.env["PATH"] = path
    name = r.queue("a@x.test")
    fake("record")
    r.wait_empty()
    tap.ok(r.log(f"id={name}", "event=delivered", "could not tell the reply") and not r.log("event=deferred"), "smtp-send dies between its record and its report: delivered, not tried again", r.lines)
    r.stop()
    for how, n in ("die", 3), ("nonsense", 3):
        name = r.queue("a@x.test")
        before = len(r.lines)
        fake(how)
        wait_for(lambda: len([l for l in r.lines[before:] if "event=deferred" in l]) >= n, "attempts")
        lines = r.lines[before:]
        tries = sum("event=deferred" in l for l in lines)
        tap.ok(r.states(name) == {"a@x.test": "w"} and len(lines) < 20 * tries, f"{how}: it waits", len(lines), tries)
        r.stop()
    r.start()
    r.wait_empty()
    tap.ok(len(peer.messages) == 2, "and goes out when all is well")

# 10,000 messages are read in at once, and sending begins before.
with Peer(script={"RCPT": "450 4.2.0 later"}) as peer, to(peer) as r:
    name = r.queue("seed@x.test", id="seed")
    text = open(r.files()[name], "rb").read()
    for i in range(10000):
        p = r.put(f"m{i}", text)
        os.utime(p, (time.time() + 3600, time.time() + 3600))
    begin = time.monotonic()
    r.start()
    r.wait("to=seed@x.test")
    tap.ok(time.monotonic() - begin < 30, "10,000 messages in the spool: the first is sent at once", time.monotonic() - begin)
    wait_for(lambda: r.queue("new@x.test") and r.log("to=new@x.test"), "a new one")
    tap.ok(memory(r) < 20 or SANITIZED, f"{memory(r):.1f} MB")
tap.done()

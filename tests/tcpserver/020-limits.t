#!/usr/bin/env python3
"""-c defers, -C rejects, the log, signals, running out of descriptors, dropping privileges."""
import os
import resource
import signal
import ssl
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tcpserver import *

ACCEPT_PAUSE = 0.1  # seconds
ECHO = ["sh", "-c", "echo $TCPCONNNUM; exec cat"]

s = Server(["-v", "-c", "2"], ECHO)
a, b = s.connect(), s.connect()
same(a.recv(10), b"1\n", "first connection")
same(b.recv(10), b"2\n", "second from the same address counts 2")
c = s.connect()
c.settimeout(0.2)
try:
    c.recv(10)
    ok(False, "-c 2: the third waits")
except TimeoutError:
    ok(True, "-c 2: the third waits")
c.settimeout(LIMIT)
a.close()
same(c.recv(10), b"2\n", "and is served when one has ended")
for x in (b, c):
    x.close()
s.logged("exitcode 0 count 0/2")
s.stop()
log = s.log()
for want in ["tcpserver: info: starting - bound to ip 127.0.0.1 port %d\n" % s.port,
             "tcpserver: info: status: 2/2\n", "tcpserver: info: accept 127.0.0.1_", " count 1/2\n",
             " exitcode 0 count 0/2\n", "tcpserver: info: received SIGTERM, quitting\n",
             "tcpserver: info: exiting\n"]:
    ok(want in log, "log has: " + want.strip(), log)

s = Server(["-C", "2"], ECHO)
a, b = s.connect(), s.connect()
a.recv(10), b.recv(10)
start = time.monotonic()
with s.connect() as c:
    same(read_all(c), b"", "-C 2: the third is closed without a word")
ok(time.monotonic() - start < 30, "at once", time.monotonic() - start)
ok(s.logged("tcpserver: info: reject 127.0.0.1_"), "and logged without -v", s.log())
ok("count 2/2" in s.log(), "with the count", s.log())
a.close(), b.close()
s.stop()

for text, want in (("* BYE [LIMIT] too many", b"* BYE [LIMIT] too many\r\n"), ("x" * 256, b"x" * 256 + b"\r\n"), ("x" * 257, b""), ("", b"")):
    s = Server(["-C", "1"], ["sh", "-c", "echo ${TCP_REFUSE-unset}; exec cat"], env=dict(os.environ, TCP_REFUSE=text))
    with s.connect() as a:
        same(a.recv(10), b"unset\n", "TCP_REFUSE is not handed on")
        with s.connect() as c:
            c.sendall(b"EHLO x\r\n" if want else b"")
            same(read_all(c), want, "what one too many is told: %d octets" % len(text))
    s.stop()

s = Server(["-C", "1"], ["sh", "-c", "echo up; exec cat"], env=dict(os.environ, TCP_REFUSE="tls"))
with s.connect() as a:
    a.recv(10)
    with s.connect() as c:
        try:
            context = ssl.create_default_context()
            context.wrap_socket(c, server_hostname="mail.example.test")
            said = "a session"
        except ssl.SSLError as e:
            said = e.reason
        same(said, "TLSV1_ALERT_ACCESS_DENIED", "a client of TLS is told by an alert")
s.stop()

s = Server(["-q", "-C", "1"], ECHO)
a = s.connect()
a.recv(10)
s.talk()
a.close()
s.stop()
same(s.log(), "", "-q is silent")

for sig, ends, child_dies in [(signal.SIGHUP, False, True), (signal.SIGQUIT, True, True),
                              (signal.SIGABRT, True, True), (signal.SIGTERM, True, False)]:
    s = Server(["-v"], ["sh", "-c", "echo up; exec cat"])
    c = s.connect()
    c.recv(10)
    s.process.send_signal(sig)
    if ends:
        same(s.process.wait(timeout=LIMIT), 0, "%s ends the server with 0" % sig.name)
    if child_dies:
        same(read_all(c), b"", "%s ends the child" % sig.name)
    else:
        c.sendall(b"x")
        same(c.recv(1), b"x", "%s leaves the child alone" % sig.name)
    c.close()
    if not ends:
        ok(s.logged("signal 15"), "the end by a signal is logged", s.log())
        with s.connect() as d:
            same(d.recv(3), b"up\n", "and the server serves on")
    s.stop()

# Few descriptors: accept fails until there is one again, without a busy loop.
s = Server(["-v", "-c", "100"], ["true"],
           preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)))
s.logged("status: 0/100")  # by then it has opened all that it needs
used = {int(n) for n in os.listdir("/proc/%d/fd" % s.process.pid)}
resource.prlimit(s.process.pid, resource.RLIMIT_NOFILE, (min(set(range(64)) - used), 64))
c = s.connect()
ok(s.logged("unable to accept: "), "EMFILE is logged", s.log())


def ticks():
    f = open("/proc/%d/stat" % s.process.pid).read().split()
    return int(f[13]) + int(f[14])


start, t0, n0 = time.monotonic(), ticks(), s.log().count("unable to accept")
wait_for(lambda: s.log().count("unable to accept") > n0 + 3)
tries, used = s.log().count("unable to accept") - n0, ticks() - t0
ok(used < 10 and (tries - 1) * ACCEPT_PAUSE <= time.monotonic() - start, "no busy loop", f"{used} ticks\n" + s.log())
resource.prlimit(s.process.pid, resource.RLIMIT_NOFILE, (64, 64))
same(read_all(c), b"", "and served when there are descriptors again")
ok(s.logged("exitcode 0"), "by the program", s.log())
c.close()
s.stop()

# No process to be had: that connection is closed, and counted no more.
drop = ["-u", "64998", "-g", "64998", "-G", "64998"] if os.getuid() == 0 else []
NPROC = resource.getrlimit(resource.RLIMIT_NPROC)
s = Server(["-v", "-C", "2", *drop], ECHO, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NPROC, (0, NPROC[1])))
for i in range(3):
    same(s.talk(), b"", "no process to be had: connection %d of 3 is closed" % (i + 1))
ok(s.logged("unable to spawn sh: Resource temporarily unavailable"), "and the reason logged", s.log())
# Only the same user may change the limit.
subprocess.run(["prlimit", "--pid", str(s.process.pid), "--nproc=%d" % min(NPROC[1] if NPROC[1] > 0 else 1 << 20, 1 << 20)],
               **(dict(user=64998, group=64998, extra_groups=[]) if drop else {}))
with s.connect() as c:
    same(c.recv(10), b"1\n", "and none of them is counted")
s.stop()

# The backlog, as the kernel has it.
for args, want in (["-b", "7"], "7"), ([], open("/proc/sys/net/core/somaxconn").read().strip()):
    s = Server(args, ["true"])
    shown = subprocess.run(["ss", "-Hltn", "sport = :%d" % s.port], capture_output=True, text=True).stdout.split()
    same(shown[2:3], [want], "backlog with %s" % args)
    s.stop()
for args in ["-d"], ["-D"], ["-D", "-d"]:
    s = Server(args, ["echo", "up"])
    same(s.talk(), b"up\n", "%s serves" % args)
    s.stop()

# A dead logger must not end the server.
s = Server(["-v"], ["sh", "-c", "echo up"])
r, w = os.pipe()
s.stop()
p = subprocess.Popen([PROGRAM, "-v", "-1", "127.0.0.1", "0", "echo", "up"], stdout=subprocess.PIPE, stderr=w)
os.close(w)
port = int(p.stdout.readline())
os.close(r)
for i in range(2):
    with socket.create_connection(("127.0.0.1", port)) as c:
        same(read_all(c), b"up\n", "a dead logger does not end it, connection %d" % (i + 1))
p.terminate()
p.wait()

if os.getuid() == 0:
    want = b"Uid:\t65534\t65534\t65534\t65534\nGid:\t65533\t65533\t65533\t65533\nGroups:\t65531 65532 \n"
    ids = ["grep", "-E", "^(Uid|Gid|Groups):", "/proc/self/status"]
    s = Server(["-u", "65534", "-g", "65533", "-G", "65531,65532"], ids)
    same(s.talk(), want, "-u -g -G")
    s.stop()
    env = dict(os.environ, UID="65534", GID="65533", GIDLIST="65531,65532")
    s = Server(["-U"], ids, env=env)
    same(s.talk(), want, "-U takes them from the environment")
    s.stop()
    s = Server(["-U"], ["env"], env=env)
    ok(not [l for l in s.talk().split(b"\n") if l.split(b"=")[0] in (b"UID", b"GID", b"GIDLIST")],
       "and unsets them")
    s.stop()
else:
    for name in ["-u -g -G", "-U takes them", "and unsets them"]:
        ok(True, name + " # SKIP needs root")
done()

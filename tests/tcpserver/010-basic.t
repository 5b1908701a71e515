#!/usr/bin/env python3
"""Command line, port, environment, descriptors, signals of the child."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tcpserver import *

BASE = {"PATH": os.environ["PATH"], "TCPCONNNUM": "77", "PROTO": "X", "KEEP": "this"}

USAGE = [[], ["127.0.0.1"], ["127.0.0.1", "0"], ["-x", "127.0.0.1", "0", "true"],
         ["-c", "many", "127.0.0.1", "0", "true"], ["-u", "nobody", "127.0.0.1", "0", "true"],
         ["-G", "1,x", "127.0.0.1", "0", "true"], ["localhost", "0", "true"],
         ["127.0.0.1x", "0", "true"], ["127.0.0.1", "smtp", "true"],
         ["127.0.0.1", "65536", "true"], ["-U", "127.0.0.1", "0", "true"]]
for args in USAGE:
    r = subprocess.run([PROGRAM] + args, capture_output=True, env={"PATH": os.environ["PATH"]}, timeout=LIMIT)
    ok(r.returncode == 100 and r.stderr.count(b"\n") == 1, "usage error: " + " ".join(args), r)

s = Server([], ["env"], env=BASE)
with s.connect() as c:
    port = c.getsockname()[1]
    env = dict(l.split("=", 1) for l in read_all(c).decode().splitlines())
same(env, {"PATH": BASE["PATH"], "KEEP": "this", "PROTO": "TCP", "TCPREMOTEIP": "127.0.0.1",
           "TCPREMOTEPORT": str(port), "TCPLOCALIP": "127.0.0.1", "TCPLOCALPORT": str(s.port),
           "TCPCONNNUM": "1"}, "the environment is exactly that")
same(s.stop(), 0, "TERM ends it with 0")
same(s.process.stdout.read(), b"", "descriptor 1 gets one line and is closed")

s = Server([], ["env"], ip="0.0.0.0")
s.ip = "127.0.0.1"
ok(b"TCPLOCALIP=127.0.0.1\n" in s.talk(), "a wildcard listener still tells the local address")
s.stop()

PROBE = r"""
import fcntl, os, socket, struct
a, b = os.fstat(0), os.fstat(1)
print("same", a.st_ino == b.st_ino)
print("blocking", not (fcntl.fcntl(0, fcntl.F_GETFL) & os.O_NONBLOCK))
print("open", sorted(int(x) for x in os.listdir("/proc/self/fd") if int(x) < 3))
extra = [x for x in os.listdir("/proc/self/fd") if int(x) > 2 and os.path.exists("/proc/self/fd/" + x)
         and "/fd" not in os.readlink("/proc/self/fd/" + x)]
print("extra", len(extra))
sock = socket.socket(fileno=os.dup(0))
print("nodelay", sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0)
for line in open("/proc/self/status"):
    if line.startswith(("SigBlk", "SigIgn")):
        print(line.split()[0], line.split()[1])
"""
# Without python's own SIGPIPE handling in between: a small C-like reading of /proc is not needed,
# since exec keeps ignored signals and python only adds PIPE (13) and XFSZ (25).
s = Server([], ["sh", "-c", "grep -E '^Sig(Blk|Ign)' /proc/self/status; exec python3 -c '%s' 3>&-" % PROBE])
out = s.talk().decode()
for want in ["same True", "blocking True", "extra 0", "nodelay True",
             "SigBlk:\t0000000000000000"]:
    ok(want in out, "the child has: " + want.replace("\t", " "), out)
ignored = int(out.split("SigIgn:")[1].split()[0], 16)
ok(not ignored >> 12 & 1, "the child has: SIGPIPE not ignored", out)
s.stop()

s = Server([], ["cat"])
with s.connect() as c:
    c.sendall(b"hello")
    c.shutdown(1)
    same(read_all(c), b"hello", "both directions, and half-close")
s.stop()

r, w = os.pipe()
s = Server([], ["sh", "-c", "echo inherited >&%d" % w], pass_fds=[w])
s.talk()
same(os.read(r, 100), b"inherited\n", "other descriptors are inherited")
s.stop()

s = Server(["-q"], ["/dev/fd/missing"])
same(s.talk(), b"", "a missing program closes the connection")
same(s.talk(), b"", "and the server goes on")
ok("unable to spawn /dev/fd/missing" in s.log(), "and says so", s.log())
s.stop()

s = Server([], ["sh", "-c", "echo $TCPREMOTEIP"], ip="::1") if os.path.exists("/proc/net/if_inet6") else None
if s and s.port:
    same(s.talk(), b"::1\n", "IPv6")
    s.stop()
    s = Server([], ["env"], ip="::")
    s.ip = "127.0.0.1"
    try:
        s.talk()
        ok(False, "a listener on :: refuses IPv4")
    except ConnectionRefusedError:
        ok(True, "a listener on :: refuses IPv4")
    s.stop()
else:
    ok(True, "IPv6 # SKIP no IPv6 here")
done()

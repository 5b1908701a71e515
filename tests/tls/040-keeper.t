#!/usr/bin/env python3
"""The key holder: changed certificates, what an engine may still do, limits, garbage, deaths."""
import array
import os
import resource
import signal
import socket
import ssl
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from tlsserver import *

DIR = T + "/instance"
TLS = DIR + "/etc/tls"
os.makedirs(TLS)
os.makedirs(DIR + "/run/tls")
ROOT = os.getuid() == 0
FDS_SKIP = "" if ROOT else " # SKIP an undumpable process shows its descriptors to root alone"


def put(name, where=""):
    os.makedirs(TLS + "/" + where, exist_ok=True)
    return make_pair(name, "%s/%s/key.pem" % (TLS, where), "%s/%s/cert.pem" % (TLS, where))


def name_of(pid):
    try:
        return open("/proc/%d/comm" % pid).read().strip()
    except OSError:
        return ""


def below(holder, zygote):
    """The zygote, or the engines: those that wait for their end, too."""
    pids = map(int, open("/proc/%d/task/%d/children" % ((holder.process.pid,) * 2)).read().split())
    return [p for p in pids if (name_of(p) == "tls-keeper-z") == zygote]


def engines(holder):
    return below(holder, False)


def subject(server, name="mail.example.test"):
    with server.tls(name=name) as c:
        drain(c)
        der = c.getpeercert(True)
    r = subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", "-subject"], input=der, capture_output=True)
    return r.stdout.decode().strip().split("CN = ")[-1]


# ---- a key holder without certificates, then with some, then with others
h = Holder(dir=DIR)
ok(h.ready, "readiness is told")
s = TlsServer("holder", [], ["true"], holder=h)
with s.connect() as c:
    read_all(c)
same(s.exit_code(), 96, "without a certificate: 96")
ok(h.logged("event=certificate name=default"), "and a line says so", h.log())
put("first.test")
same(subject(s), "first.test", "a certificate that comes later is used from the next connection on")
put("second.test")
same(subject(s), "second.test", "and so is a new one")
lines = h.log().count("event=certificate ")
with open(TLS + "/cert.pem.new", "w") as f:
    f.write("-----BEGIN CERTIFICATE-----\nbroken\n")
os.rename(TLS + "/cert.pem.new", TLS + "/cert.pem")
for i in range(3):
    same(subject(s), "second.test", "a broken one leaves the old in use")
same(h.log().count("event=certificate "), lines + 1, "and is logged once")
ok(TLS + "/cert.pem" in h.log(), "by name", h.log())
put("third.test")
same(subject(s), "third.test", "until it is repaired")
make_pair("third.test", TLS + "/key2.pem", TLS + "/cert2.pem", kind="rsa")
for alg, cipher in (("RSA", "ECDHE-RSA-AES256-GCM-SHA384"), ("ECDSA", "ECDHE-ECDSA-AES256-GCM-SHA384")):
    only = client(version=ssl.TLSVersion.TLSv1_2)
    only.set_ciphers(cipher)
    with s.tls(only) as c:
        same(c.cipher()[0], cipher, "a second pair: a client that knows %s alone is served" % alg)
        drain(c)
os.rename(TLS + "/key2.pem", T + "/key2.pem")
try:
    with s.tls(only) as c:
        drain(c)
    only.set_ciphers("ECDHE-RSA-AES256-GCM-SHA384")
    s.tls(only).close()
    ok(False, "without its key it is used no more")
except ssl.SSLError:
    ok(True, "without its key it is used no more")
make_pair("stray.test", TLS + "/key2.pem", T + "/stray.pem", kind="rsa")
same(subject(s), "third.test", "with a wrong one the old pair stays")
ok("key=" + TLS + "/key2.pem" in h.log(), "and a line names it", h.log())
os.unlink(TLS + "/key2.pem")
os.unlink(TLS + "/cert2.pem")
for order in (("key", "cert"), ("cert", "key")):
    pair = dict(zip(("key", "cert"), make_pair("next.test", T + "/next.key", T + "/next.crt")))
    before = subject(s)
    os.rename(pair[order[0]], "%s/%s.pem" % (TLS, order[0]))
    same(subject(s), before, "the new %s alone: the old pair stays" % order[0])
    os.rename(pair[order[1]], "%s/%s.pem" % (TLS, order[1]))
    same(subject(s), "next.test", "with the %s: the new one" % order[1])
    put("third.test")
    same(subject(s), "third.test", "and another")
if not ROOT:
    os.chmod(TLS + "/key.pem", 0)
    same(subject(s), "third.test", "a key that may not be read any more: the old one stays")
    os.chmod(TLS + "/key.pem", 0o600)
same(subject(s, "named.test"), "third.test", "a name without a pair of its own")
put("named.test", "Named.test")
same(subject(s, "named.test"), "named.test", "gets one while the holder runs")
put("*.wild.test", "*.wild.test")
same(subject(s, "x.wild.test"), "*.wild.test", "a wildcard's")
os.rename(TLS + "/Named.test", T + "/away")
same(subject(s, "named.test"), "third.test", "and loses it")
h.process.send_signal(signal.SIGHUP)
same(subject(s), "third.test", "HUP rereads everything")
s.stop()

# ---- an engine's rights
s = TlsServer("holder", [], ["cat"], holder=h)
c = s.tls()
c.sendall(b"x")
c.recv(1)
pid = engines(h)[0]
status = dict(l.split(":\t", 1) for l in open("/proc/%d/status" % pid).read().splitlines() if ":\t" in l)
for name, want in [("CapEff", "0000000000000000"), ("CapPrm", "0000000000000000"), ("NoNewPrivs", "1"), ("Seccomp", "2")]:
    same(status.get(name), want, "engine: %s %s" % (name, want))
limits = open("/proc/%d/limits" % pid).read()
ok([l for l in limits.splitlines() if l.startswith("Max open files")][0].split()[3] == "16", "engine: few descriptors", limits)
ok([l for l in limits.splitlines() if l.startswith("Max processes")][0].split()[2] == "0", "engine: no processes", limits)
if ROOT:
    fds = os.listdir("/proc/%d/fd" % pid)
    same(len(fds), 3 + 4, "engine: its own descriptors only")
    same(os.stat("/proc/%d/fd" % pid).st_uid, 0, "engine: not dumpable")
else:
    ok(True, "engine: its own descriptors only # SKIP an undumpable process shows them to root alone")
    try:
        os.listdir("/proc/%d/fd" % pid)
        ok(False, "engine: not dumpable")
    except PermissionError:
        ok(True, "engine: not dumpable")
c.close()
s.stop()

# ---- deaths
s = TlsServer("holder", [], ["cat"], holder=h)
c, d = s.tls(), s.tls()
for x in (c, d):
    x.sendall(b"x")
    x.recv(1)
wait_for(lambda: len(engines(h)) == 2)  # the one before has gone
os.kill(engines(h)[0], signal.SIGKILL)
data = drain(c)
ok(b"ended by" in data, "a killed engine ends its connection, not orderly", data)
ok(h.logged("event=engine-killed"), "is logged", h.log())
d.sendall(b"still")
same(d.recv(5), b"still", "and others live on")
same(h.stop(signal.SIGKILL), -9, "the holder is killed")
d.sendall(b"still")
same(d.recv(5), b"still", "engines live on")
pending = s.connect()  # tlsd waits for a holder to come back
h2 = Holder(dir=DIR, sock=h.sock)
ok(h2.ready, "a new holder takes the socket")
p = client().wrap_socket(pending, suppress_ragged_eofs=False)
p.sendall(b"back")
same(p.recv(4), b"back", "and serves a connection that was made in between")
p.close()
d.sendall(b"still")
same(d.recv(5), b"still", "while the old engine lives on")
d.close()
h = h2
r = subprocess.run(["tls-keeper", h.sock], env=dict(os.environ, POSTERN_DIR=DIR), capture_output=True, timeout=120)
same(r.returncode, 111, "a second holder on the same socket refuses")
with s.tls() as c:
    c.sendall(b"y")
    same(c.recv(1), b"y", "and the first one is not hurt")
s.stop()
gone = TlsServer("holder", [], ["true"], holder=h)
h.stop()
ok(h.process.returncode == 0, "TERM: 0")
start = time.monotonic()
with gone.connect() as c:
    read_all(c)
same(gone.exit_code(), 111, "no holder at all: 111")
ok(4 < time.monotonic() - start < 60, "after some patience", time.monotonic() - start)
gone.stop()

# ---- garbage
h = Holder(dir=DIR)
s = TlsServer("holder", [], ["cat"], holder=h)
s.tls().close()
wait_for(lambda: not engines(h))
before = h.fds()
GOOD = b"POSTERN_TLS=1\0START=now\0TIMEOUT=200\0\0"
r, w = os.pipe()


def send(data, fds=()):
    u = socket.socket(socket.AF_UNIX)
    u.connect(h.sock)
    u.settimeout(LIMIT)
    socket.send_fds(u, [data], list(fds)) if data else None
    if not data:
        u.shutdown(socket.SHUT_WR)
    try:
        return u.recv(100)
    except ConnectionResetError:
        return b""
    finally:
        u.close()


for name, data, fds in [("nothing", b"", ()), ("noise", os.urandom(500), ()), ("noise with descriptors", os.urandom(500), [r] * 4),
                        ("no descriptors", GOOD, ()), ("three descriptors", GOOD, [r] * 3), ("five", GOOD, [r] * 5),
                        ("twelve", GOOD, [r] * 12), ("another version", b"POSTERN_TLS=9\0\0", [r] * 4),
                        ("too long", b"POSTERN_TLS=1\0ID=" + b"x" * 5000 + b"\0\0", [r] * 4)]:
    same(send(data, fds), b"", "on its socket: %s: the end" % name)
got = send(GOOD, [r, w, r, w])
same(got, b"\1\x62", "pipes for a network: a failed handshake is told")
ok(h.log().count("event=bad-request") >= 7, "bad requests are logged", h.log())
u = socket.socket(socket.AF_UNIX)
u.connect(h.sock)
socket.send_fds(u, [b"POSTERN_TLS=1\0START=command\0\0Y"], [r] * 4)
same(u.recv(10), b"", "a command glued to the request: the end")
u.close()
wait_for(lambda: not engines(h) and h.fds() == before)
same(h.fds(), before, "no descriptor is left behind" + FDS_SKIP)
with s.tls() as c:
    c.sendall(b"z")
    same(c.recv(1), b"z", "and it still serves")
s.stop()

# ---- fork fails, descriptors run out, too many engines
s = TlsServer("holder", [], ["cat"], holder=h)
if ROOT:
    ok(True, "fork failure # SKIP root has no limit of processes")
    ok(True, "fork failure # SKIP root has no limit of processes")
else:
    old = resource.prlimit(h.process.pid, resource.RLIMIT_NPROC)
    resource.prlimit(h.process.pid, resource.RLIMIT_NPROC, (0, old[1]))
    with s.connect() as c:
        read_all(c)
    ok(s.exit_code() == 111 and "unable to fork" in h.log(), "a fork that fails: 111", h.log())
    resource.prlimit(h.process.pid, resource.RLIMIT_NPROC, old)
    with s.tls() as c:
        c.sendall(b"z")
        same(c.recv(1), b"z", "then it serves again")
s.stop()
h.stop()

h = Holder(dir=DIR, options=["-c", "1"])
s = TlsServer("holder", [], ["cat"], holder=h)
c = s.tls()
c.sendall(b"x")
c.recv(1)
with s.connect() as d:
    read_all(d)
same(s.exit_code(), 111, "-c 1: the second engine is refused")
ok(h.logged("event=refused"), "with a line", h.log())
c.close()
wait_for(lambda: not engines(h))
with s.tls() as c:
    c.sendall(b"z")
    same(c.recv(1), b"z", "and allowed when the first has ended")
s.stop()
h.stop()

# 64 descriptors: six clients; more wait for one to go.
h = Holder(dir=DIR, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)))
s = TlsServer("holder", [], ["sh", "-c", "echo up; exec cat"], launcher="ucspitlsd", holder=h)
idle = []
for i in range(12):
    c = s.connect()
    same(c.recv(3), b"up\n", "idle connection %d of 12" % (i + 1)) if i in (0, 11) else c.recv(3)
    idle.append(c)
ok(h.fds() <= 64 - 10, "the holder took only what it can hold" + FDS_SKIP, h.fds())
for c in idle:
    c.close()
ok(wait_for(lambda: h.fds() < 15), "and lets go of all" + FDS_SKIP, h.fds())
same(h.process.poll(), None, "and lives")
s.stop()
h.stop()

# An engine keeps its client's socket open for as long as it works: what the other side does to it
# then must not reach the holder.
h = Holder(dir=DIR)
net, plain_in, plain_out = socket.socketpair(), os.pipe(), os.pipe()
for i in range(50):
    u = socket.socket(socket.AF_UNIX)
    u.connect(h.sock)
    fds = [net[0].fileno(), net[0].fileno(), plain_in[0], plain_out[1]]
    socket.send_fds(u, [b"POSTERN_TLS=1\0START=command\0TIMEOUT=300\0\0"], fds)
    u.sendall(b"Y")
    wait_for(lambda: len(engines(h)) > i or h.process.poll() is not None, 0.2)
    u.sendall(b"more")
    u.close()
same(h.process.poll(), None, "what comes on a socket that an engine has does not hurt the holder")
ok(wait_for(lambda: not engines(h)), "and the engines end", engines(h))
h.stop()

# ---- the zygote: what engines are copies of
h = Holder(dir=DIR)
s = TlsServer("holder", [], ["cat"], holder=h)
same(below(h, True), [], "there is none before the first connection")
c = s.tls()
c.sendall(b"x")
same(c.recv(1), b"x", "a connection")
first, = below(h, True)
status = open("/proc/%d/status" % first).read()
ok("NoNewPrivs:\t1\nSeccomp:\t2" in status, "the zygote is confined", status)
d = s.tls()
same(below(h, True), [first], "the next one's engine is its copy, too")
d.close()
os.kill(first, signal.SIGKILL)
ok(h.logged("event=engine-killed pid=%d" % first), "it dies: logged")
c.sendall(b"y")
same(c.recv(1), b"y", "its copies live on")
c.close()
c = s.tls()
c.sendall(b"x")
same(c.recv(1), b"x", "the next connection has another zygote")
second, = below(h, True)
old = c.getpeercert(True)
c.close()
put("other.example.test")
c = s.tls()
c.sendall(b"x")
c.recv(1)
ok(c.getpeercert(True) != old, "a certificate that is new")
c.close()
ok(second not in below(h, True), "wants a zygote that has it")
put("mail.example.test")
if os.getuid() == 0:
    place = lambda: open("/proc/%d/maps" % h.process.pid).readline().split("-")[0]
    before = place()
    c, d = s.tls(), s.tls()
    victim = engines(h)[0]
    os.kill(victim, signal.SIGABRT)
    ok(h.logged("event=engine-killed pid=%d signal=6" % victim), "an engine crashes: logged")
    ok(wait_for(lambda: place() != before), "the holder has begun anew, elsewhere in memory")
    again = 0
    for x in c, d:
        try:
            x.sendall(b"x")
            again += x.recv(1) == b"x"
        except OSError:
            pass
    same(again, 1, "the other connection goes on")
    c.close()
    d.close()
    c = s.tls()
    c.sendall(b"x")
    same(c.recv(1), b"x", "and so does the next")
    c.close()
    ok(wait_for(lambda: not engines(h)), "all of them end")
else:
    ok(True, "an engine crashes # SKIP an undumpable process shows its memory to root alone")
s.stop()
h.stop()
ok(wait_for(lambda: not name_of(second)), "no zygote outlives its time")

# ---- identities
if ROOT:
    h = Holder({"TLS_UID": "65534", "TLS_GID": "65533"}, dir=DIR)
    s = TlsServer("holder", [], ["cat"], holder=h)
    c = s.tls()
    c.sendall(b"x")
    c.recv(1)
    status = dict(l.split(":\t", 1) for l in open("/proc/%d/status" % engines(h)[0]).read().splitlines() if ":\t" in l)
    for name, want in [("Uid", "65534"), ("Gid", "65533")]:
        same(status[name].split("\t"), [want] * 4, "engine: %s %s" % (name, want))
    same(status["Groups"].strip(), "", "engine: no groups")
    same(status["CapEff"], "0000000000000000", "engine: no capabilities")
    c.close()
    s.stop()
    h.stop()
    h = Holder({"TLS_UID": "", "TLS_GID": ""}, dir=DIR)
    s = TlsServer("holder", [], ["cat"], holder=h)
    for turn in 1, 2:
        c = s.tls()
        c.sendall(b"x")
        same(c.recv(1), b"x", "without TLS_UID an engine that is root's, too, connection %d" % turn)
        c.close()
    same(below(h, True), [], "which nobody copies, as root may always make processes")
    s.stop()
    h.stop()
else:
    ok(True, "TLS_UID and TLS_GID # SKIP needs root")
same(subprocess.run(["tls-keeper", T + "/s"], env=dict(os.environ, TLS_UID="me"), capture_output=True).returncode, 100, "a bad TLS_UID: 100")
for args in (["-c", "0"], ["-a", "999"], ["-d", "1"], ["-x"], ["a", "b"]):
    same(subprocess.run(["tls-keeper", *args], capture_output=True).returncode, 100, "tls-keeper %s: 100" % " ".join(args))

# ---- no descriptor left to begin anew with, while a client has not said yet whether it wants TLS
if ROOT:
    h = Holder(dir=DIR)
    idle = h.fds()
    s = TlsServer("holder", [], ["sh", "-c", "echo up; exec cat"], launcher="ucspitlsd", holder=h)
    waiting = s.connect()
    # The launcher's end and the four that it hands over: what is counted below must be all that there is.
    ok(waiting.recv(3) == b"up\n" and wait_for(lambda: h.fds() == idle + 5), "a client that may ask for TLS", h.fds())
    old = resource.prlimit(h.process.pid, resource.RLIMIT_NOFILE)
    used = {int(n) for n in os.listdir("/proc/%d/fd" % h.process.pid)}
    resource.prlimit(h.process.pid, resource.RLIMIT_NOFILE, (min(set(range(1000)) - used), old[1]))
    h.process.send_signal(signal.SIGUSR1)
    ok(h.logged("unable to begin anew"), "it says so", h.log())
    resource.prlimit(h.process.pid, resource.RLIMIT_NOFILE, old)
    more = s.connect()
    same(more.recv(3), b"up\n", "goes on as it was")
    same(below(h, False), [], "and alone")
    h.process.send_signal(signal.SIGUSR1)
    ok(wait_for(lambda: len(below(h, False)) == 1), "asked again it leaves both to another process", h.log())
    waiting.close()
    more.close()
    ok(wait_for(lambda: not below(h, False)), "which ends with them")
    s.stop()
    h.stop()
else:
    ok(True, "no descriptor to begin anew with # SKIP an undumpable process shows its descriptors to root alone")

# ---- a child that it had before it was the holder, as of a shell that became it
h = Holder(dir=DIR, preexec_fn=lambda: os.fork() or os._exit(0))
s = TlsServer("holder", [], ["cat"], holder=h)
with s.tls() as c:
    c.sendall(b"z")
    same(c.recv(1), b"z", "the end of a process that it has not made is no engine's")
s.stop()
h.stop()

# ---- the deadline of a request, and clients without one in every place that there is
h = Holder(dir=DIR, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)))
s = TlsServer("holder", [], ["cat"], holder=h)
silent = [socket.socket(socket.AF_UNIX) for i in range(20)]
for u in silent:
    u.connect(h.sock)
    u.settimeout(120)
start = time.monotonic()
same(silent[0].recv(1), b"", "a client without a request")
ok(9 < time.monotonic() - start < 60, "is let go after 10 seconds", time.monotonic() - start)
for u in silent:
    u.close()
with s.tls() as c:
    c.sendall(b"z")
    same(c.recv(1), b"z", "and others get its place")
s.stop()
h.stop()

# ---- more descriptors on their way than RLIMIT_NOFILE allows a user: who hands them over waits.
# Root may have any number, so as another user where there is root.
drop = ["-u", "64997", "-g", "64997", "-G", "64997"] if ROOT else []
h = Holder(dir=DIR, options=["-a", "777"])
s = TlsServer("holder", [], ["sh", "-c", "echo up; exec cat"], launcher="ucspitlsd", holder=h, tcp_options=drop,
              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16)))
h.process.send_signal(signal.SIGSTOP)
many = [s.connect() for i in range(30)]
ok(wait_for(lambda: s.log().count(": accept ") == 30), "thirty connections while the holder has no turn", s.log())
select.select(many, [], [], 0.5)
h.process.send_signal(signal.SIGCONT)
got = [c.recv(3) for c in many]
same(got, [b"up\n"] * 30, "all get through when it has one")
for c in many:
    c.close()
s.stop()
h.stop()
done()

#!/usr/bin/env python3
"""smtp-recv -l: many connections without an exec for any. Settings are as they are when one comes; limits, in all and of an address;
STARTTLS by asking the key holder; what dies takes one connection along, and the next is served from other addresses; signals."""
import base64, os, shutil, signal, socket, ssl, subprocess, sys, tempfile, time
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/lib"))
from smtprecv import BIN, LIMIT, NOBODY, Client, Instance, Tap

tap = Tap()
PROGRAM = BIN + "/smtp-recv"


def until(what):
    end = time.monotonic() + LIMIT
    while not what() and time.monotonic() < end:
        time.sleep(0.01)
    return bool(what())


class Connection(Client):
    def __init__(self, port, source="127.0.0.1"):
        self.socket = socket.create_connection(("127.0.0.1", port), LIMIT, (source, 0))
        self.file = self.socket.makefile("rb")

    def greeted(self):
        self.greeting = self.reply()
        return self

    def start_tls(self, said="STARTTLS"):
        said = self.cmd(said)
        self.file.detach()
        self.socket = ssl._create_unverified_context().wrap_socket(self.socket)
        self.file = self.socket.makefile("rb")
        return said

    def close(self):
        self.file.close()
        self.socket.close()


class Server:
    def __init__(self, instance, *words, after=(), **env):
        r, w = os.pipe()
        e = instance.environment(**{n: None for n in ("PROTO", "TCPREMOTEIP", "TCPREMOTEPORT", "TCPLOCALIP", "TCPLOCALPORT")}, **env)
        self.port = self.free_port()
        self.process = subprocess.Popen(["tcpserver-socketbinder", "127.0.0.1", str(self.port), PROGRAM, *words, "-d", str(w), *after], env=e, cwd=instance.dir,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=instance.log, pass_fds=[w])
        os.close(w)
        self.ready = os.read(r, 10)
        os.close(r)

    @staticmethod
    def free_port():
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            return s.getsockname()[1]

    def connect(self, source="127.0.0.1"):
        return Connection(self.port, source).greeted()

    def children(self, zygote=False):
        out = subprocess.run(["ps", "-o", "pid=,stat=,comm=", "--ppid", str(self.process.pid)], capture_output=True, text=True).stdout
        return {int(pid) for pid, stat, name in map(str.split, out.splitlines()) if stat[0] != "Z" and (name == "smtp-recv-z") == zygote}

    def end(self, sig=signal.SIGQUIT):
        self.process.send_signal(sig)
        return self.process.wait(LIMIT)


def place(pid):
    """Where its program lies in memory."""
    with open(f"/proc/{pid}/maps") as f:
        return f.readline().split("-")[0]


# ---- command lines ----
i = Instance()
env = i.environment()
for words in (["-l", "0"], ["-l", "x"], ["-l", "10001"], ["-l", "1", "-c", "0"], ["-c", "1"], ["-d", "5"], ["-l", "1", "-d", "2"]):
    done = subprocess.run([PROGRAM, *words], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT)
    tap.ok(done.returncode == 100 and "usage" in done.stderr, " ".join(words) + ": usage", done)
done = subprocess.run([PROGRAM, "-l", "1"], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT)
tap.ok(done.returncode == 100 and "listening TCP socket" in done.stderr, "descriptor 0 is none that listens: said", done)
BINDER = ["tcpserver-socketbinder"]
for words, code in ((["127.0.0.1", "0"], 100), (["here", "0", "true"], 100), (["127.0.0.1", "x", "true"], 100), (["-b", "x", "127.0.0.1", "0", "true"], 100),
                    (["192.0.2.1", "0", "true"], 111), (["127.0.0.1", "0", "/dev/fd/missing"], 127), (["::1", "0", "true"], 0)):
    done = subprocess.run([*BINDER, *words], env=env, capture_output=True, text=True, timeout=LIMIT)
    tap.eq(done.returncode, code, f"{BINDER[0]} {' '.join(words)}: {code}")
LOOK = "import socket; s = socket.socket(fileno=0); print(s.getsockopt(1, 30), s.getsockopt(1, 2), __import__('os').get_blocking(0), s.family.name)"
for words, want in (([], "1 1 False"), (["-B"], "1 1 True"), (["-D", "-M", "-b", "3"], "1 0 False")):
    for ip, family in ("127.0.0.1", "AF_INET"), ("::1", "AF_INET6"):
        done = subprocess.run([*BINDER, *words, "--", ip, "0", sys.executable, "-c", LOOK], env=env, capture_output=True, text=True, timeout=LIMIT)
        tap.eq(done.stdout.strip(), f"{want} {family}", f"{' '.join(words)} {ip}: listening, address in use, blocking, family")

# ---- connection after connection ----
s = Server(i, "-l", "3", "-c", "2", TCP_REFUSE="421 4.7.0 too many from you")
tap.eq(s.ready, b"\n", "it says that it is ready")
tap.eq(s.children(), set(), "and waits alone")
for n in range(2):
    c = s.connect()
    tap.like(c.mail(["u@example.test"])[1], "^250", "a message")
    tap.like(c.cmd("QUIT"), "^221", "QUIT")
    c.close()
tap.eq(len({m["ident"].split(".")[0] for m in i.lmtp.messages}), 2, "each connection has an id of its own")
tap.like(i.lmtp.messages[0]["body"].decode(), r"^Received: from client.example \(\[127.0.0.1\]\)", "and its address")
i.write("me", "other.example.test")
i.write("smtp-size", "2000")
c = s.connect()
tap.like(c.greeting, "^220 other.example.test", "a setting holds from the next connection on")
tap.like(c.cmd("EHLO a.example"), "SIZE 2000\n", "so does a limit")
c.close()
with open(i.path("etc/smtp-size"), "r+") as f:
    f.write("3000")
c = s.connect()
tap.like(c.cmd("EHLO a.example"), "SIZE 3000\n", "also if its file is changed in place")
c.close()
os.remove(i.path("etc/smtp-size"))
c = s.connect()
tap.like(c.cmd("EHLO a.example"), "SIZE 67108864\n", "or goes")
c.close()
with open(i.path("elsewhere"), "w") as f:
    f.write("4000\n")
os.symlink("../elsewhere", i.path("etc/smtp-size"))
c = s.connect()
tap.like(c.cmd("EHLO a.example"), "SIZE 4000\n", "also a link")
c.close()
with open(i.path("elsewhere"), "w") as f:
    f.write("5000\n")


def told(n):
    x = s.connect()
    said = x.cmd("EHLO a.example")
    x.close()
    return f"SIZE {n}\n" in said


tap.ok(until(lambda: told(5000)), "and within a second what it leads to")
os.remove(i.path("etc/smtp-size"))
i.write("smtp-size", "much")
for n in range(2):
    tap.eq(s.connect().greeting, None, "a bad setting ends the connection")
tap.like(i.logged(), "smtp-recv: fatal: .*etc/smtp-size.*much", "and is named")
os.remove(i.path("etc/smtp-size"))
tap.like(s.connect().greeting, "^220", "the next is served again")
with open(i.path("etc/domains.new"), "w") as f:
    f.write("example.test:\nnew.example:\n")
os.rename(i.path("etc/domains.new"), i.path("etc/domains"))
c = s.connect()
tap.like(c.mail(["u@new.example"])[1], "^250", "a table that was replaced is within reach")
c.close()
tap.ok(until(lambda: not s.children()), "that ends")

# ---- limits ----
a, b = s.connect(), s.connect()
tap.like(s.connect().greeting, "^421 4.7.0 too many from you", "-c 2: a third of one address is refused")
tap.ok(until(lambda: "event=too-many-connections ip=127.0.0.1" in i.logged()), "and logged", i.logged())
other = s.connect("127.0.0.2")
tap.like(other.greeting, "^220", "another address is served")
late = Connection(s.port, "127.0.0.3")
late.socket.settimeout(0.2)
try:
    tap.eq(late.socket.recv(1), None, "-l 3: a fourth waits")
except TimeoutError:
    tap.ok(True, "-l 3: a fourth waits")
late.socket.settimeout(LIMIT)
other.cmd("QUIT")
other.close()
tap.like(late.reply(), "^220", "until another has ended")
late.close()
a.close()
tap.ok(until(lambda: len(s.children()) == 1), "two have ended")

# ---- what dies ----
there = s.children()
a = s.connect()
listener, before = s.process.pid, place(s.process.pid)  # until the next connection
victim, = s.children() - there
tap.eq(place(victim), before, "a process is a fork of the listener")
os.kill(victim, signal.SIGABRT)
tap.ok(until(lambda: f"event=died pid={victim} signal=6" in i.logged()), "one crashes: said", i.logged())
tap.ok(until(lambda: place(listener) != before), "the listener has begun anew, elsewhere in memory")
tap.like(b.cmd("NOOP"), "^250", "the other connection goes on")
tap.like(b.mail(["u@example.test"])[1], "^250", "and takes a message")
a = s.connect()
tap.like(a.greeting, "^220", "the next is served")
tap.like(s.connect().greeting, "^421", "and who was there before is still counted")
b.close()
tap.ok(until(lambda: len(s.children()) == 1), "one ends")
b = s.connect()
tap.like(b.greeting, "^220", "and its place is free")

listener, before = s.process.pid, place(s.process.pid)
tap.ok(until(lambda: len(s.children(zygote=True)) == 1), "the listener has one zygote")
zygote, = s.children(zygote=True)
with open(f"/proc/{zygote}/status") as f:
    status = f.read()
tap.like(status, r"NoNewPrivs:\t1\nSeccomp:\t2", "the zygote is confined before any connection")
os.kill(zygote, signal.SIGKILL)
tap.ok(until(lambda: place(listener) != before), "it dies: the listener has begun anew")
tap.like(a.mail(["u@example.test"])[1], "^250", "connections go on")
a.close()
tap.ok(until(lambda: len(s.children()) == 1), "one ends")
a = s.connect()
tap.like(a.mail(["u@example.test"])[1], "^250", "the next is served")

# ---- signals ----
s.process.send_signal(signal.SIGHUP)
tap.eq([c.reply()[:3] for c in (a, b)], ["421", "421"], "HUP ends the connections")
tap.ok(until(lambda: not s.children()), "and their processes")
c = s.connect()
tap.like(c.greeting, "^220", "not the listener")
tap.eq(s.end(signal.SIGTERM), 0, "TERM ends that")
tap.like(c.mail(["u@example.test"])[1], "^250", "and not the connections")
c.close()
s = Server(i, "-l", "3")
c = s.connect()
tap.eq(s.end(), 0, "QUIT ends the listener")
tap.like(c.reply(), "^421", "and the connections")
c.close()

# ---- TLS ----
tls = tempfile.mkdtemp()
os.chmod(tls, 0o755)
subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", tls + "/key",
                "-out", tls + "/cert", "-days", "30", "-subj", "/CN=mx.example.test"], check=True, capture_output=True)
with open(tls + "/check", "w") as f:
    f.write("import os, sys\nos.read(3, 512).startswith(b'a@b\\0pw\\0') or sys.exit(1)\nos.execvp(sys.argv[1], sys.argv[1:])\n")
SOCKET = tls + "/sock"


def keeper():
    r, w = os.pipe()
    users = dict(TLS_UID=str(NOBODY), TLS_GID=str(NOBODY)) if os.getuid() == 0 else {}
    p = subprocess.Popen(["tls-keeper", "-d", str(w), "-a", "0666", SOCKET], env={**os.environ, "KEYFILE": tls + "/key", "CERTFILE": tls + "/cert", **users},
                         stderr=i.log, pass_fds=[w])
    os.close(w)
    os.read(r, 10)
    os.close(r)
    return p


holder = keeper()
i.write("login-delay", "0")
for name, pair in (("alone", ()), ("with the login pair", (sys.executable, tls + "/check", "true"))):
    s = Server(i, "-l", "3", after=pair, TLS_ENGINE=SOCKET)
    c = s.connect()
    tap.like(c.cmd("EHLO a.example"), "250-STARTTLS", f"{name}: STARTTLS is announced")
    tap.like(c.start_tls(), "^220", "STARTTLS")
    tap.ok("STARTTLS" not in c.cmd("EHLO a.example"), "not announced again")
    if pair:
        tap.like(c.cmd("AUTH PLAIN " + base64.b64encode(b"\0a@b\0pw").decode()), "^235", "AUTH")
    big = "Subject: big\r\n\r\n" + ("x" * 78 + "\r\n") * 20000
    tap.like(c.mail(["u@example.test"], big, hello=False)[1], "^250", "a big message")
    tap.like(i.lmtp.messages[-1]["body"][:400].decode(), r"with ESMTPS\S* id \S+\r\n\t\(TLSv1.3 ", "Received tells of TLS")
    tap.like(c.cmd("QUIT"), "^221", "QUIT")
    tap.eq(c.reply(), None, "and its end")
    c.close()
    c = s.connect()
    c.cmd("EHLO a.example")
    tap.like(c.start_tls("STARTTLS\r\nMAIL FROM:<evil@b.example>"), "^220", "what is pipelined behind STARTTLS")
    tap.like(c.cmd("NOOP"), "^250 2.0.0 ok", "is dropped")
    c.close()
    s.end()
s = Server(i, "-l", "3", TLS_ENGINE=SOCKET)
c, d = s.connect(), s.connect()
for x in c, d:
    x.cmd("EHLO a.example")
holder.terminate()
holder.wait(LIMIT)
tap.like(c.cmd("STARTTLS"), "^454 4.7.0", "no key holder: TLS is not to be had")
tap.like(i.logged(), "event=tls-unavailable reason=", "and logged")
holder = keeper()
tap.like(d.start_tls(), "^220", "another key holder serves connections that were there before it")
tap.like(c.start_tls(), "^220", "also who has asked in vain")
for x in c, d:
    tap.like(x.mail(["u@example.test"])[1], "^250", "a message")
    x.close()
s.end()
s = Server(i, "-l", "3")
c = s.connect()
tap.ok("STARTTLS" not in c.cmd("EHLO a.example"), "without TLS_ENGINE no STARTTLS")
tap.like(c.cmd("STARTTLS"), "^502", "it is refused")
s.end()
holder.terminate()
holder.wait(LIMIT)
shutil.rmtree(tls)
i.close()
tap.done()

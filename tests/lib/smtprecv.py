"""What the tests of smtp-recv share: an instance, scripted LMTP servers in the places of mda-local and
the spool, a client that speaks over a socket, and TAP."""
import os, re, shutil, socket, subprocess, sys, tempfile, threading

import confined  # noqa: F401
from listener import Listener

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.path.join(ROOT, os.environ.get("POSTERN_BUILD", "build"), "bin")
NOBODY = 65534
LIMIT = 120
SPOOL_EXT = ("PIPELINING", "8BITMIME", "SMTPUTF8", "DSN", "XFORWARD IDENT LOGIN")


def behind_received(body):
    """A delivered message without the Received field that stands first."""
    return re.sub(rb"\AReceived:[^\r]*\r\n(?:\t[^\r]*\r\n)*", b"", body)


class Tap:
    def __init__(self):
        self.count = self.failed = 0

    def ok(self, good, name, detail=""):
        self.count += 1
        self.failed += not good
        print(f"{'' if good else 'not '}ok {self.count} - {name}".replace("#", ""))
        if not good:
            for line in str(detail).splitlines():
                print("# " + line[:1000])
        sys.stdout.flush()

    def eq(self, got, wanted, name):
        self.ok(got == wanted, name, f"got    {got!r}\nwanted {wanted!r}")

    def like(self, got, pattern, name):
        self.ok(got is not None and re.search(pattern, got, re.S), name, f"got {got!r}\nwanted {pattern}")

    def done(self):
        print(f"1..{self.count}")
        sys.exit(self.failed != 0)


class Lmtp(Listener):
    """A scripted LMTP server. rules: maps "mail", "data", a recipient's local part (at RCPT), "dot:" +
    local part (after the dot) to a reply, or to "close" (the connection drops there), "lost" (the
    copy is kept, the reply is not sent) or "hang", or a list of these, used up one by one."""

    def __init__(self, path, rules=None, ext=("PIPELINING", "8BITMIME", "SMTPUTF8", "DSN", "XFORWARD IDENT"),
                 tcp=False):
        self.rules, self.ext = dict(rules or {}), ext
        self.messages, self.lines = [], []
        super().__init__(None if tcp else path, tcp if isinstance(tcp, str) else "127.0.0.1")

    def answer(self, f, peer, key, default):
        said = default if key.startswith("dot:") else self.rules.get(key, default)
        if isinstance(said, list):
            said = said.pop(0) if said else default
        if said == "hang":
            peer.recv(1 << 20)
            threading.Event().wait(LIMIT)
        if said in ("close", "lost"):
            raise OSError
        f.write(said.encode() + b"\r\n")
        return said[0] in "23"

    def talk(self, peer, f):
        out = peer.makefile("wb", buffering=0)
        out.write(b"220 fake\r\n")
        rcpts, mail, ident, login = [], None, None, None
        for raw in f:
            line = raw.rstrip(b"\r\n").decode("utf-8", "surrogateescape")
            self.lines.append(line)
            verb = line.split(" ")[0].upper()
            name = re.search(r"<([^@>]*)", line)
            if verb == "LHLO":
                out.write(("250-fake\r\n" + "".join(f"250-{e}\r\n" for e in self.ext) + "250 HELP\r\n").encode())
            elif verb == "XFORWARD":
                ident = re.search(r" IDENT=(\S+)", line)[1]
                login = re.search(r" LOGIN=(\S+)", line)
                out.write(b"250 2.0.0 ok\r\n")
            elif verb == "MAIL":
                rcpts, mail = [], line if self.answer(out, peer, "mail", "250 2.1.0 ok") else None
            elif verb == "RCPT":
                if not mail:
                    out.write(b"503 5.5.1 MAIL first\r\n")
                elif self.answer(out, peer, name[1], "250 2.1.5 ok"):
                    rcpts.append((name[1], line))
            elif verb == "BDAT" and not rcpts:
                f.read(int(line.split(" ")[1]))
                out.write(b"503 5.5.1 no recipients\r\n")
            elif verb in ("DATA", "BDAT"):
                if verb == "DATA" and not self.answer(out, peer, "data", "354 go"):
                    continue
                body = f.read(int(line.split(" ")[1])) if verb == "BDAT" else b""
                while verb == "DATA":
                    raw = f.readline()
                    if not raw:
                        return
                    if raw == b".\r\n":
                        break
                    body += raw[1:] if raw.startswith(b".") else raw
                said = [self.rules.get("dot:" + r, self.rules.get("dot", "250 2.1.5 delivered")) for r, _ in rcpts]
                alive = said[:next((n + (a == "lost") for n, a in enumerate(said) if a in ("close", "lost")), len(said))]
                self.messages.append({"mail": mail, "body": body, "ident": ident, "login": login and login[1],
                                      "rcpts": [w for (_, w), a in zip(rcpts, alive) if a[0] == "2" or a == "lost"]})
                for (local, _), a in zip(rcpts, said):
                    self.answer(out, peer, "dot:" + local, a)
            elif verb == "RSET":
                rcpts = []
                out.write(b"250 2.0.0 ok\r\n")
            else:
                out.write(b"500 5.5.1 what\r\n")


class Sink(Lmtp):
    """An LMTP server that keeps only the length of a message."""

    def talk(self, peer, f):
        peer.sendall(b"220 x\r\n")
        size = 0
        for line in f:
            if line.startswith(b"LHLO"):
                peer.sendall(b"250 x\r\n")
            elif line.startswith(b"DATA"):
                peer.sendall(b"354 x\r\n")
                tail = b""
                while not tail.endswith(b"\r\n.\r\n"):
                    piece = f.read1(1 << 16)
                    if not piece:
                        return
                    size += len(piece)
                    tail = (tail + piece)[-5:]
                self.messages.append(size)
                peer.sendall(b"250 2.0.0 x\r\n")
            else:
                peer.sendall(b"250 2.0.0 x\r\n")


class Instance:
    """A directory with etc/ and, unless told otherwise, both servers."""

    def __init__(self, tables=None, lmtp=None, spool=None, **settings):
        self.dir = tempfile.mkdtemp(prefix="postern-test.")
        for d in ("etc", "state", "run/tmp", "run/lmtp", "run/spool"):
            os.makedirs(os.path.join(self.dir, d))
        self.write("me", "mx.example.test")
        self.write("domains", "example.test:\n")
        self.write("smtp-reverse-dns", "no")  # filters want to know the client's name: no test asks the world
        for name, text in {**(tables or {}), **settings}.items():
            self.write(name.replace("_", "-"), str(text))
        self.lmtp = Lmtp(self.path("run/lmtp/sock"), lmtp) if lmtp is not False else None
        self.spool = Lmtp(self.path("run/spool/sock"), spool, SPOOL_EXT) if spool is not False else None
        self.log = tempfile.TemporaryFile()
        if os.getuid() == 0:
            for d, dirs, files in os.walk(self.dir):
                for n in [d] + [os.path.join(d, f) for f in files]:
                    os.chown(n, NOBODY, NOBODY)

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text):
        with open(self.path("etc/" + name), "w") as f:
            f.write(text)

    def environment(self, **env):
        e = dict(os.environ, POSTERN_DIR=self.dir, PROTO="TCP", TCPREMOTEIP="192.0.2.7", TCPREMOTEPORT="4321",
                 TCPLOCALIP="192.0.2.1", TCPLOCALPORT="25", PATH=BIN + ":" + os.environ["PATH"])
        e.pop("POSTERN_ID", None)
        e.setdefault("ASAN_OPTIONS", "detect_leaks=0")  # one-shot programs never free
        if os.getuid() == 0:
            e.update(UID=str(NOBODY), GID=str(NOBODY))
        for k, v in env.items():
            e.pop(k, None) if v is None else e.update({k: v})
        return e

    def client(self, *args, **env):
        return Client(self, args, env)

    def logged(self):
        self.log.flush()
        with open(f"/proc/self/fd/{self.log.fileno()}", "rb") as f:
            return f.read().decode(errors="replace")

    def close(self):
        for server in (self.lmtp, self.spool):
            if server:
                server.close()
        shutil.rmtree(self.dir, ignore_errors=True)


class Client:
    def __init__(self, instance, args, env):
        uid = env.pop("uid", None)  # of the local peer; only root can make one
        if uid is not None:
            os.seteuid(uid)
        ours, theirs = socket.socketpair()
        if uid is not None:
            os.seteuid(0)
        tcp = not env.pop("unix", uid is not None)
        before = env.pop("before", ())  # a chain in front: ucspitlsd
        e = instance.environment(**({} if tcp else {"PROTO": None, "TCPREMOTEIP": None, "TCPREMOTEPORT": None,
                                                    "TCPLOCALIP": None, "TCPLOCALPORT": None}), **env)
        self.process = subprocess.Popen([*before, os.path.join(BIN, "smtp-recv"), *args], stdin=theirs, stdout=theirs,
                                        stderr=instance.log, env=e, cwd=instance.dir)
        theirs.close()
        self.socket = ours
        ours.settimeout(LIMIT)
        self.file = ours.makefile("rb")
        self.greeting = self.reply()

    def reply(self):
        """A whole reply, lines joined by a newline; None at the end."""
        lines = []
        while True:
            try:
                raw = self.file.readline()
            except ConnectionError:
                raw = b""
            if not raw:
                return "\n".join(lines) if lines else None
            line = raw.decode("utf-8", "replace").rstrip("\r\n")
            lines.append(line)
            if line[3:4] != "-":
                return "\n".join(lines)

    def send(self, data):
        try:
            self.socket.sendall(data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data)
        except OSError:
            pass

    def cmd(self, line):
        self.send(line + "\r\n")
        return self.reply()

    def mail(self, rcpts, message="Subject: x\r\n\r\nhello\r\n", sender="sender@remote.example", hello=True):
        """One message; the replies of RCPT and the last one."""
        if hello:
            self.cmd("EHLO client.example")
        first = self.cmd(f"MAIL FROM:<{sender}>")
        if first[0] != "2":
            return [], first
        answers = [self.cmd(f"RCPT TO:<{r}>") for r in rcpts]
        if self.cmd("DATA")[0] != "3":
            return answers, None
        self.send(message + ".\r\n" if isinstance(message, str) else message + b".\r\n")
        return answers, self.reply()

    def memory(self):
        """Kilobytes: the most that was resident, and what is private now."""
        with open(f"/proc/{self.process.pid}/status") as f:
            status = f.read()
        return int(re.search(r"VmHWM:\s+(\d+)", status)[1]), int(re.search(r"RssAnon:\s+(\d+)", status)[1])

    def close(self):
        self.file.close() if hasattr(self, "file") else None
        self.socket.close()
        return self.process.wait(timeout=LIMIT)

"""What the tests of mda-local share: an instance, and an LMTP client over a socket pair. A test that is
started as root runs mda-local as nobody, unless it asks for root."""
import os, re, shutil, socket, subprocess, sys, tempfile, threading

import confined
from owner import give
from smtprecv import BIN, LIMIT, NOBODY, ROOT, Tap  # noqa: F401

PROGRAM = os.environ.get("MDA_LOCAL", os.path.join(BIN, "mda-local"))
MESSAGE = "Subject: test\r\nFrom: a@b.test\r\n\r\nbody\r\n"


class Client:
    """One LMTP connection."""

    def __init__(self, instance, as_root=False, greet=True, **env):
        ours, theirs = socket.socketpair()
        self.process = instance.start([PROGRAM], as_root, stdin=theirs, stdout=theirs, **env)
        theirs.close()
        ours.settimeout(LIMIT)
        self.socket, self.buffer = ours, b""
        if greet:
            assert self.reply().startswith("220 ")
            assert self.cmd("LHLO client.test").startswith("250")

    def line(self):
        while b"\n" not in self.buffer:
            data = self.socket.recv(65536)
            if not data:
                raise EOFError(self.buffer)
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.decode("utf-8", "surrogateescape").rstrip("\r")

    def reply(self):
        lines = [self.line()]
        while lines[-1][3:4] == "-":
            lines.append(self.line())
        return "\n".join(lines)

    def send(self, text):
        self.socket.sendall(text if isinstance(text, bytes) else text.encode("utf-8"))

    def cmd(self, text):
        self.send(text + "\r\n")
        return self.reply()

    def mail(self, rcpts, sender="sender@remote.test", params=""):
        """MAIL and RCPTs; the replies to the RCPTs."""
        assert self.cmd(f"MAIL FROM:<{sender}>{params}").startswith("250"), "MAIL"
        return [self.cmd(f"RCPT TO:<{r}>") for r in rcpts]

    def data(self, message, count):
        assert self.cmd("DATA").startswith("354"), "DATA"
        self.send(message if message.endswith(b"\r\n" if isinstance(message, bytes) else "\r\n") else message + "\r\n")
        self.send(".\r\n")
        return [self.reply() for _ in range(count)]

    def deliver(self, rcpts, message=MESSAGE, **more):
        """All of it: the replies after the dot, or those to RCPT if all are refused."""
        replies = self.mail(rcpts, **more)
        good = sum(r.startswith("250") for r in replies)
        if good:
            return self.data(message, good)
        self.cmd("RSET")
        return replies

    def children(self):
        """The parser, then the workers in the order of their birth, which their pids need not have: those begin anew."""
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as f:
            return list(map(int, f.read().split()))

    def quit(self):
        try:
            self.send("QUIT\r\n")
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        code = self.process.wait(LIMIT)
        self.socket.close()
        return code


class Instance:
    def __init__(self, users="", aliases="", domains="example.test:\n", **settings):
        self.dir = tempfile.mkdtemp(prefix="mda-local.")
        self.log_path = os.path.join(self.dir, "log")
        for name in ("etc", "mail", "run", "run/tmp"):
            os.mkdir(os.path.join(self.dir, name))
        self.put("users", users)
        self.put("aliases", aliases)
        self.put("domains", domains)
        self.put("me", "mx.example.test\n")
        for name, value in settings.items():
            self.put(name.replace("_", "-"), value)
        self.own(self.dir)

    def own(self, *paths):
        give(NOBODY, NOBODY, *paths)

    def put(self, name, text):
        with open(os.path.join(self.dir, "etc", name), "w", encoding="utf-8") as f:
            f.write(text)

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def start(self, argv, as_root=False, **more):
        env = {k: v for k, v in os.environ.items() if not k.startswith(("POSTERN_", "TCP"))}
        env.update(POSTERN_DIR=self.dir, ASAN_OPTIONS="detect_leaks=0", **confined.STRICT)
        if as_root:
            env.update(UID=str(NOBODY), GID=str(NOBODY))
        env.update({k: v for k, v in more.items() if k.isupper()})
        drop = {} if as_root or os.geteuid() else dict(user=NOBODY, group=NOBODY, extra_groups=[])
        keep = {k: v for k, v in more.items() if not k.isupper()}
        with open(self.log_path, "ab") as log:
            keep.setdefault("stderr", log)
            return subprocess.Popen(argv, env=env, cwd="/", **drop, **keep)

    def run(self, *args, message=b"", as_root=False, **env):
        """mda-local by hand: (exit code, stdout, stderr)."""
        p = self.start([PROGRAM, *args], as_root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **env)
        out, err = p.communicate(message, LIMIT)
        return p.returncode, out.decode(), err.decode()

    def maildir(self, user, domain="example.test"):
        return self.path("mail", domain, user, "Maildir")

    def messages(self, user, folder="", domain="example.test"):
        new = os.path.join(self.maildir(user, domain), folder, "new")
        out = []
        for name in sorted(os.listdir(new)) if os.path.isdir(new) else []:
            with open(os.path.join(new, name), "rb") as f:
                out.append(f.read().decode("utf-8", "surrogateescape"))
        return out

    def folder(self, user, name, domain="example.test"):
        """Makes a folder, and the Maildir if need be."""
        for d in ("", name):
            for sub in ("cur", "new", "tmp"):
                os.makedirs(os.path.join(self.maildir(user, domain), d, sub), 0o700, exist_ok=True)
        self.own(self.path("mail"))

    def sieve(self, user, script, name="main", active=True, domain="example.test"):
        """Puts a script where Dovecot has it, and makes it the active one."""
        home = self.path("mail", domain, user)
        path = os.path.join(home, "sieve", name + ".sieve")
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
        with open(path + ".new", "wb") as f:
            f.write(script if isinstance(script, bytes) else script.encode())
        os.rename(path + ".new", path)
        link = os.path.join(home, ".dovecot.sieve")
        if active:
            os.path.lexists(link) and os.unlink(link)
            os.symlink(f"sieve/{name}.sieve", link)
        self.own(self.path("mail"))
        return path

    def all_sieve(self, name, script):
        """A script of the administrator: etc/sieve/NAME."""
        path = self.path("etc/sieve", name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(script)

    def files(self, user, folder="", domain="example.test"):
        """Names in new/ and cur/."""
        base = os.path.join(self.maildir(user, domain), folder)
        return [os.path.join(d, n) for d in ("new", "cur") if os.path.isdir(os.path.join(base, d))
                for n in sorted(os.listdir(os.path.join(base, d)))]

    def log(self):
        with open(self.log_path, encoding="utf-8") as f:
            return f.read()

    def done(self):
        shutil.rmtree(self.dir, ignore_errors=True)


class Peer:
    """A scripted server in the place of the relay (SMTP) or of the spool (LMTP). rules: "mail", "data",
    a recipient's local part, "dot" or (LMTP) "dot:" + local part, each to a reply or "close"."""

    def __init__(self, instance, name, rules=None, dsn=True):
        self.dsn, self.lmtp, self.rules, self.messages, self.connections = dsn, name == "spool", rules or {}, [], 0
        path = instance.path("run", name, "sock")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(path)
        instance.own(os.path.dirname(path))
        self.socket.listen(16)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            peer, _ = self.socket.accept()
            self.connections += 1
            try:
                self.talk(peer.makefile("rb"), peer)
            except OSError:
                pass
            peer.close()

    def say(self, peer, key, default):
        text = self.rules.get(key, default)
        if text == "close":
            peer.shutdown(socket.SHUT_RDWR)
            raise ConnectionError
        peer.sendall(text.encode() + b"\r\n")
        return text[0] in "23"

    def talk(self, f, peer):
        mail = rcpts = None
        peer.sendall(b"220 peer\r\n")
        for raw in f:
            line = raw.decode("utf-8").rstrip("\r\n")
            verb = line.split(" ")[0].upper()
            if verb == ("LHLO" if self.lmtp else "EHLO"):
                peer.sendall(b"250-peer\r\n250-XFORWARD IDENT\r\n%b250 8BITMIME\r\n" % (b"250-DSN\r\n" if self.dsn else b""))
            elif verb == "MAIL":
                mail, rcpts = line, []
                self.say(peer, "mail", "250 ok")
            elif verb == "RCPT":
                if self.say(peer, re.search("<([^@>]*)", line)[1], "250 ok"):
                    rcpts.append(line)
            elif verb == "DATA":
                if self.say(peer, "data", "354 go"):
                    self.take(f, peer, mail, rcpts)
            elif verb in ("RSET", "XFORWARD", "QUIT"):
                peer.sendall(b"250 ok\r\n")
            else:
                peer.sendall(b"500 what\r\n")

    def take(self, f, peer, mail, rcpts):
        body = b""
        while (line := f.readline()) not in (b".\r\n", b""):
            body += line[line.startswith(b"."):]
        names = [re.search("<([^@>]*)", r)[1] for r in rcpts]
        keys = ["dot:" + n for n in names] if self.lmtp else ["dot"]
        good = [r for r, k in zip(rcpts, keys * len(rcpts)) if self.rules.get(k, "250")[0] == "2"]
        if good:
            self.messages.append({"mail": mail, "rcpts": good, "body": body.decode("utf-8", "replace")})
        for k in keys:
            self.say(peer, k, "250 ok")


def need_root():
    if os.geteuid():
        print("1..0 # SKIP needs root: accounts with users of their own")
        sys.exit(0)

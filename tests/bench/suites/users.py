"""Accounts looked up among very many: how long it takes, from the start of a process too, and what making the table costs."""
import json
import os
import random
import shutil
import socket
import subprocess
import time

import bench
import sides
from bench import Row

TITLE = "accounts among very many"
DOMAIN, TIMES, FEW = "inbox.test", 20000, 2000  # look-ups of a round; by a socket
CDB, HASH = "Postfix, cdb", "Postfix, hash"
SIDES = ["postern", "Dovecot", CDB, HASH]
LOOKUP, START = "one account of {many}, by a process that runs", "from the start of a program, or of a server, to its first answer"
ROWS = [
    Row("lookup", LOOKUP, "µs", most=50),
    Row("lookup-cdb", LOOKUP, "µs", peer=CDB),
    Row("lookup-hash", LOOKUP, "µs", peer=HASH),
    Row("worst", "of a hundred such look-ups all but one take at most", "µs", most=50),
    Row("start", START, "ms", most=10),
    Row("start-cdb", START, "ms", peer=CDB),
    Row("memory", "private memory of the process that answers", "KiB"),
    Row("compile", "the table made from the text", "ms", peer=CDB),
    Row("compile-hash", "the table made from the text", "ms", peer=HASH),
    Row("compile-memory", "memory that this takes at most", "KiB", most=65536, peer=CDB),
    Row("text", "one account in the text itself, nothing compiled", "ms", peer=HASH),
]
PASSWORD = "{CRYPT}$y$j9T$" + "a" * 22 + "$" + "b" * 43


def rest(i):
    return f"{PASSWORD}:{20000 + i % 10000000}:{20000 + i % 10000000}::/srv/mail/{i // 1000}/u{i}::"


def timed(*argv, stdin=subprocess.DEVNULL, **env):
    """Milliseconds, and KiB at most. What it prints is not looked at."""
    begin = time.monotonic()
    p = subprocess.Popen(argv, stdin=stdin, stdout=subprocess.DEVNULL, env=dict(os.environ, PATH=f"{sides.BUILD}/bin:{os.environ['PATH']}", **env))
    _, status, usage = os.wait4(p.pid, 0)
    p.returncode = os.waitstatus_to_exitcode(status)
    if p.returncode:
        raise RuntimeError(f"{' '.join(argv)}: exit {p.returncode}")
    return (time.monotonic() - begin) * 1000, usage.ru_maxrss


class Postern(sides.Server):
    name = "postern"

    def __init__(self, top, count):
        super().__init__(top + "/postern")
        self.count = count
        self.put("etc/users", "")
        with open(self.dir + "/etc/users", "w") as f:
            f.writelines(f"u{i}@{DOMAIN}:{rest(i)}\n" for i in range(count))

    def start(self):
        self.compile()

    def compile(self):
        return timed("postern-tables", "users", POSTERN_DIR=self.dir)

    def lookup(self, b):
        got = json.loads(subprocess.run([f"{sides.BUILD}/bench/lookup", str(TIMES), str(self.count)], check=True, capture_output=True, text=True,
                                        env=dict(os.environ, POSTERN_DIR=self.dir)).stdout)
        b.note(self, "worst", got["worst"])
        b.note(self, "memory", got["kib"])
        return got["median"]

    def first(self):
        return timed("postern-tables", "-q", "users", f"u{random.randrange(self.count)}@{DOMAIN}", POSTERN_DIR=self.dir)[0]

    def text(self):
        os.rename(self.dir + "/etc/users.cdb", self.dir + "/users.cdb")
        took = self.first()
        os.rename(self.dir + "/users.cdb", self.dir + "/etc/users.cdb")
        return took


class Dovecot(sides.Server):
    """Its auth process reads all of the passwd-file when it starts, and answers at a socket."""
    name = "Dovecot"

    def __init__(self, top, count, users):
        super().__init__(top + "/dovecot")
        self.count = count
        os.symlink(users, self.dir + "/users")
        text = sides.DOVECOT.format(dir=self.dir, imap=sides.free_port(), pop3=sides.free_port(), login=sides.LOGIN if os.getuid() else "")
        self.put("conf", text + sides.unprivileged())

    def start(self):
        self.launch("dovecot", "-F", "-c", self.dir + "/conf")
        sides.wait_for(self.connects, "Dovecot's auth listens")
        self.lines = self.socket.makefile("rb")
        self.socket.sendall(b"VERSION\t1\t1\n")
        self.ask()

    def connects(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(120)
        return not self.socket.connect_ex(self.dir + "/run/auth-userdb")

    def ask(self):
        user = f"u{random.randrange(self.count)}@{DOMAIN}"
        begin = time.monotonic()
        self.socket.sendall(f"USER\t1\t{user}\tservice=lmtp\n".encode())
        for line in self.lines:
            if line.startswith((b"USER\t1\t", b"NOTFOUND", b"FAIL")):
                break
        if not line.startswith(b"USER\t1\t" + user.encode()):
            raise RuntimeError(f"Dovecot says {line!r}")
        return (time.monotonic() - begin) * 1e6

    def lookup(self, b):
        took = sorted(self.ask() for _ in range(FEW))
        b.note(self, "worst", took[FEW * 99 // 100])
        for pid in self.pids():
            if sides.command_name(pid) == "auth":
                b.note(self, "memory", *[sum(kib) for kib in [bench.private_kib(pid)] if kib])
        return took[FEW // 2]

    def end(self):
        """At once: it has nothing to save, and else takes seconds."""
        self.lines.close()
        self.socket.close()
        sides.kill(self.pids())
        sides.stop([self])
        self.processes = []

    def first(self):
        self.end()
        begin = time.monotonic()
        self.start()
        return (time.monotonic() - begin) * 1000


class Postfix(sides.Server):
    """postmap: what a process of Postfix does with a table."""

    def __init__(self, top, name, kind, users, count):
        self.name, self.kind, self.count = name, kind, count
        super().__init__(f"{top}/postfix-{kind}")
        self.put("main.cf", "compatibility_level = 3.6\n")
        with open(users) as f, open(self.dir + "/users", "w") as out:
            out.writelines(line.replace(":", " ", 1) for line in f)

    @staticmethod
    def kinds():
        if not shutil.which("postmap"):
            return []
        return subprocess.run(["postconf", "-m"], capture_output=True, text=True).stdout.split()

    def start(self):
        self.compile()

    def key(self):
        return f"u{random.randrange(self.count)}@{DOMAIN}"

    def compile(self):
        return timed("postmap", "-c", self.dir, f"{self.kind}:{self.dir}/users")

    def query(self, kind=None):
        return timed("postmap", "-c", self.dir, "-q", self.key(), f"{kind or self.kind}:{self.dir}/users")[0]

    def lookup(self, b):
        self.put("keys", "".join(self.key() + "\n" for _ in range(TIMES)))
        with open(self.dir + "/keys") as keys:
            many = timed("postmap", "-c", self.dir, "-q", "-", f"{self.kind}:{self.dir}/users", stdin=keys)[0]
        return max(0.1, many - self.query()) * 1000 / TIMES

    def first(self):
        return self.query()

    def text(self):
        return self.query("texthash")


class Suite:
    def __init__(self, b):
        self.bench, self.messages, self.count = b, b.options.messages, 10 * b.options.messages
        ours = Postern(b.top, self.count)
        users, kinds = ours.dir + "/etc/users", Postfix.kinds()
        self.sides = [ours] + [Dovecot(b.top, self.count, users) for _ in range(not sides.Dovecot.missing())]
        self.sides += [Postfix(b.top, name, kind, users, self.count) for name, kind in ((CDB, "cdb"), (HASH, "hash")) if kind in kinds]
        self.steps = [self.lookup, self.first, self.compile, self.text]

    def describe(self):
        return f"{self.count:,} accounts, a text of {os.path.getsize(self.sides[0].dir + '/etc/users') / 1e6:.0f} MB"

    def start(self):
        for side in self.sides:
            side.start()

    def setup(self):
        pass

    def close(self):
        for side in self.sides:
            if side.processes:
                side.end()

    def note(self, side, keys, value):
        for key in keys:
            self.bench.note(side, key, value)

    def lookup(self, side):
        self.note(side, ("lookup", "lookup-cdb", "lookup-hash"), side.lookup(self.bench))

    def first(self, side):
        self.note(side, ("start", "start-cdb"), side.first())

    def compile(self, side):
        if hasattr(side, "compile"):
            ms, kib = side.compile()
            self.note(side, ("compile", "compile-hash"), ms)
            self.note(side, ("compile-memory",), kib)

    def text(self, side):
        if isinstance(side, Postern) or side.name == HASH:
            self.note(side, ("text",), side.text())

"""Mail from the network into Maildirs: SMTP, beside Postfix, Exim, OpenSMTPD, and Postfix with Dovecot's LMTP."""
import glob
import json
import os
import re
import shutil
import smtplib
import subprocess
import sys
import threading
import time

import bench
import sides
from bench import Row

sys.path.append(sides.TOP + "/tests/lib")
import receivers  # noqa: E402

TITLE, PEER = "receiving", "Postfix"
SIDES = ["postern", "Postfix", "Postfix with Dovecot", "Exim", "OpenSMTPD"]
USERS = 20
BIG, HUGE = 1000000, 50000000  # octets of a message
TRACED = 20  # connections whose programs are counted
LOADS = {  # at once, connections, messages of each, octets; behind STARTTLS
    "ten": (10, 800, 1, 4000, False),
    "fifty": (50, 800, 1, 4000, False),
    "hundred": (1, 6, 100, 4000, False),
    "big": (4, 160, 1, BIG, False),
    "tls": (10, 500, 1, 4000, True),
}
ROWS = [
    Row("ten", "messages of 4 KB, 1 a connection, 10 at once", "/s", 2, limit="deliveries, 10 at once"),
    Row("fifty", "messages of 4 KB, 1 a connection, 50 at once, none refused", "/s", 2, limit="deliveries, 10 at once"),
    Row("hundred", "messages of 4 KB, 100 a connection, 1 connection", "/s", 4, limit="deliveries", share=0.5),
    Row("big", "messages of 1 MB, 1 a connection, 4 at once", "/s", 3),
    Row("tls", "messages of 4 KB behind STARTTLS, 1 a connection, 10 at once", "/s", 2, limit="deliveries, 10 at once"),
    Row("resumed", "of these connections, resumed a TLS session", "%"),
    Row("execs", "a connection with one message: programs executed", "execs", most=2),
    Row("forks", "a connection with one message: processes made", "forks", most=1),
    Row("delivery-execs", "its delivery: programs executed", "execs", most=1),
    Row("smtp-recv", "private memory of smtp-recv, a message of 50 MB", "KiB", most=4000),
    Row("mda-local", "private memory of mda-local, a message of 50 MB", "KiB", most=4000),
]


def peer():
    if receivers.missing()["Postfix"]:
        return None
    return "Postfix " + subprocess.run(["postconf", "-dh", "mail_version"], capture_output=True, text=True, check=True).stdout.strip()


# ---- the sides ----

class Postern(sides.Server):
    """As postern-services runs it: tcpserver, ucspitlsd, smtp-recv; s6-ipcserver, mda-local; tls-keeper."""
    name, domain, part, seconds = "postern", "example.test", 1, 60

    def __init__(self, top, key, cert):
        super().__init__(top + "/postern")
        uid, gid = sides.owner()
        self.put("etc/me", "mx.example.test\n")
        self.put("etc/domains", "example.test:\n")
        self.put("etc/users", "".join(f"many{i}@example.test:x:{uid}:{gid}::{self.dir}/mail/many{i}::\n" for i in range(USERS)))
        for name, path in ("key.pem", key), ("cert.pem", cert):
            self.put("etc/tls/" + name, open(path).read())
        for name in "run/tmp", "run/tls", "run/lmtp", "run/spool", "spool", "mail":
            os.makedirs(f"{self.dir}/{name}")
            os.chown(f"{self.dir}/{name}", uid, gid)
        subprocess.run(["postern-tables", "users", "domains"], env=dict(os.environ, POSTERN_DIR=self.dir, PATH=f"{sides.BUILD}/bin:{os.environ['PATH']}"),
                       check=True, stdout=subprocess.DEVNULL)

    def listen(self, name, *argv, **env):
        path = f"{self.dir}/run/{name}/sock"
        server = self.launch(*argv[:1], *argv[1:-1], path, *argv[-1:], **env)
        sides.wait_for(lambda: os.path.exists(path), f"{argv[0]} listens")
        return server.pid

    def start(self):
        uid, gid = map(str, sides.owner())
        env = dict(POSTERN_DIR=self.dir, **dict(UID=uid, GID=gid) if os.getuid() == 0 else {})
        superserver = ["s6-ipcserver", "-a", "0666", "-c", "200", "-C", "200", "-b", "512"]
        engines = dict(TLS_UID=uid, TLS_GID=gid) if os.getuid() == 0 else {}
        self.launch("tls-keeper", "-v", "0", "-a", "0666", self.dir + "/run/tls/sock", POSTERN_DIR=self.dir, **engines)
        sides.wait_for(lambda: os.path.exists(self.dir + "/run/tls/sock"), "tls-keeper listens")
        self.listen("spool", *superserver, "spool-recv", **env)
        path = self.dir + "/run/lmtp/sock"
        self.local = self.launch("s6-ipcserver-socketbinder", "-a", "0666", "-b", "512", path, "mda-local", "-l", "200", **env).pid
        sides.wait_for(lambda: os.path.exists(path), "mda-local listens")
        self.port = sides.free_port()
        drop = ["s6-applyuidgid", "-u", uid, "-g", gid, "-G", gid] if os.getuid() == 0 else []
        self.door = self.launch("tcpserver-socketbinder", "-b", "512", "127.0.0.1", str(self.port), *drop, "smtp-recv", "-l", "200", "-c", "200",
                                POSTERN_DIR=self.dir, TLS_ENGINE=self.dir + "/run/tls/sock").pid
        sides.wait_for(lambda: sides.listens(self.port), "smtp-recv listens")

    def files(self):
        return glob.glob(f"{self.dir}/mail/*/Maildir/new/*")


class Peer:
    """One of tests/lib/receivers.py among the sides."""
    processes = ()
    part, seconds = 1, 10  # of a load; that it may take

    def __init__(self, top, key, cert):
        super().__init__(cert, key, big=2 * BIG, below=top)

    def files(self):
        return glob.glob(f"{self.dir}/mail/*/new/*") + glob.glob(f"{self.dir}/mail/*/Maildir/new/*")

    def start_all(self):
        self.__enter__()

    def end(self):
        self.__exit__()

    def said(self):
        return self.log()


class Postfix(Peer, receivers.Postfix):
    name, seconds = "Postfix", 60


class Dovecot(receivers.Dovecot):
    """Behind Postfix."""


class PostfixDovecot(Peer, receivers.Postfix):
    name, domain = "Postfix with Dovecot", "dove.test"

    def start(self):
        self.settings = f"""virtual_mailbox_domains = dove.test
virtual_mailbox_maps = static:x
virtual_transport = lmtp:unix:{self.dovecot.path}
"""
        super().start()

    def start_all(self):
        self.dovecot = Dovecot(self.cert, self.key, below=os.path.dirname(self.dir))
        self.dovecot.__enter__()
        super().start_all()

    def files(self):
        return glob.glob(f"{self.dovecot.dir}/mail/*/new/*")

    def end(self):
        super().end()
        self.dovecot.__exit__()


class Exim(Peer, receivers.Exim):
    name, part, folders = "Exim", 0.2, "".join(f"many{i}: many{i}\n" for i in range(USERS))
    # Connections at once, messages of a connection that are delivered at once, connections that wait: its defaults are 20, 10 and 20.
    settings = "smtp_accept_max = 200\nsmtp_accept_queue_per_connection = 0\nsmtp_connect_backlog = 200\n"


class OpenSmtpd(Peer, receivers.OpenSmtpd):
    name, folder, part = "OpenSMTPD", "%{rcpt.user}", 0.05  # it lets 5 connections wait, the others ask again a second later


def installed():
    """Those that can be here, and why the others cannot."""
    why = receivers.missing()
    here = [side for side, needs in ((Postfix, ["Postfix"]), (PostfixDovecot, ["Postfix", "Dovecot"]), (Exim, ["Exim"]), (OpenSmtpd, ["OpenSMTPD"]))
            if not any(why[n] for n in needs)]
    return here, {n: w for n, w in why.items() if w}


def set_aside(path, directory):
    """Out of the Maildir, but not removed: ext4 hands no inode out again for a minute or more, and looks past each that it may not, so that
    whoever delivers next would pay for what is deleted here."""
    os.makedirs(directory, exist_ok=True)
    os.truncate(path, 0)  # but for the room
    os.rename(path, f"{directory}/{time.monotonic_ns()}")


# ---- what programs a connection costs ----

CALL = re.compile(r"^\d+ +(?:<\.\.\. )?(execve|clone3?|v?fork)\b.* = (\d+)$", re.M)


class Trace:
    """Programs executed and processes made by a process and all below it meanwhile: execs, forks."""

    def __init__(self, pid, path):
        self.path = path
        # Those that are there already, too: who is copied for each connection is one.
        pids = [pid, *sides.descendants(pid)]
        self.process = subprocess.Popen(["strace", "-f", "-e", "trace=execve,clone,clone3,fork,vfork", "-e", "signal=none", "-o", path, *(f"-p{p}" for p in pids)],
                                        stderr=subprocess.PIPE, text=True)
        for _ in pids:
            line = self.process.stderr.readline()
            if "attached" not in line:
                raise RuntimeError("strace: " + line)

    def end(self):
        self.process.terminate()
        self.process.wait()
        self.process.stderr.close()
        with open(self.path) as f:
            calls = [name == "execve" for name, _ in CALL.findall(f.read())]
        return sum(calls), len(calls) - sum(calls)


class Memory(threading.Thread):
    """The most private memory that any process of these programs has while it runs, in KiB."""

    def __init__(self, servers, names):
        super().__init__()
        self.servers, self.most, self.over = servers, dict.fromkeys(names, 0), threading.Event()

    def run(self):
        while not self.over.wait(0.003):
            for pid in (p for server in self.servers for p in sides.descendants(server)):
                name, kib = sides.command_name(pid), bench.private_kib(pid)
                if name in self.most and kib:
                    self.most[name] = max(self.most[name], sum(kib))

    def end(self):
        self.over.set()
        self.join()
        return self.most


# ---- the suite ----

class Suite:
    def __init__(self, b):
        self.bench, self.messages = b, b.options.messages
        key, cert = b.top + "/key.pem", b.top + "/cert.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
                        "-out", cert, "-days", "10", "-subj", "/CN=mx.example.test"], check=True, capture_output=True)
        kinds, missing = installed()
        for name, why in missing.items():
            print(f"scripts/bench: without {name}: {why}", file=sys.stderr)
        # A very short run is about the suite.
        self.sides = [kind(b.top, key, cert) for kind in [Postern, *kinds[:None if self.messages >= 1000 else 1]]]
        self.steps = [lambda side, key=key: self.load(side, key) for key in LOADS] + [self.programs, self.memory]

    def describe(self):
        return f"messages from 127.0.0.1 into {USERS} Maildirs, until they lie there, every side durable"

    def start(self):
        for side in self.sides:
            side.start_all() if isinstance(side, Peer) else side.start()

    def setup(self):
        for side in self.sides:  # Maildirs are made, tables read
            self.send(side, 1, USERS, 1, 4000, False)

    def close(self):
        for side in self.sides[1:]:
            side.end()
        sides.stop(self.sides[:1])

    def send(self, side, clients, connections, messages, octets, tls):
        """What smtp-load says, with the seconds until all lies in Maildirs, which are empty again then."""
        count, begin = connections * messages, time.monotonic()
        got = json.loads(self.bench.program("smtp-load", "-t", side.seconds, "-c", clients, "-n", connections, "-m", messages, "-s", octets, "-u", USERS, *["-r"] * tls, side.port,
                                            f"many#@{side.domain}"))
        while len(files := side.files()) < count:
            if time.monotonic() > begin + side.seconds:
                raise RuntimeError(f"{side.name}: {len(files)} messages of {count}")
            time.sleep(0.01)
        # From the clients' start, if nothing was left to wait for; the looking costs something, too.
        got["seconds"] = time.monotonic() - begin
        for path in files:
            set_aside(path, f"{side.dir}/taken")
        return got

    def load(self, side, key):
        clients, connections, messages, octets, tls = LOADS[key]
        connections = max(clients if messages == 1 else 1, int(connections * min(side.part, self.messages / 10000)))
        try:
            got = self.send(side, clients, connections, messages, octets, tls)
        except RuntimeError as error:
            if side.name in SIDES[:2]:
                raise
            print(f"scripts/bench: {side.name}, {key}: {error}", file=sys.stderr)  # no figure is one, too
            return
        self.bench.note(side, key, got["messages"] / got["seconds"])
        if tls:
            self.bench.note(side, "resumed", 100 * got["resumed"] / connections)

    def programs(self, side):
        if side.name != "postern" or os.getuid() or not shutil.which("strace"):
            return
        for key, pid in ("", side.door), ("delivery-", side.local):
            trace = Trace(pid, self.bench.top + "/trace")
            self.send(side, 1, TRACED, 1, 4000, False)
            execs, forks = trace.end()
            # What a listener does once a second, for its settings, is no connection's.
            self.bench.note(side, key + "execs", execs // TRACED)
            if not key:
                self.bench.note(side, "forks", forks // TRACED)

    def memory(self, side):
        if side.name != "postern" or os.getuid():
            return
        memory = Memory([side.door, side.local], ("smtp-recv", "mda-local"))
        memory.start()
        try:
            self.send(side, 1, 1, 1, HUGE, False)
        finally:
            for name, kib in memory.end().items():
                self.bench.note(side, name, kib)

"""Clients that mean no good, and what is looked at while they are at it: processes, memory, the log.

    with abuse.Abused({"smtp-idle-seconds": "1"}) as one:
        c = abuse.Connection(one.port("smtp"), "127.9.0.1")    # each loopback address is another client
        one.sessions(), one.private("imap")
    abuse.proof("no client holds a connection for ever")       # the line that `make proof` collects

PROOF=1: the full counts of every case; without it a few, by the same code."""
import atexit
import base64
import os
import re
import resource
import select
import socket
import ssl
import subprocess
import time

from instance import Instance, tap, wait_for  # noqa: F401

PROOF = os.environ.get("PROOF") == "1"
SECRET = "the secret"
LIMIT = 120  # seconds for any single wait
# NAME-z, NAME-b: processes that stay for the next connection. What else stays when nobody is connected: supervision, listeners, the walker and its helpers.
RESIDENT = {"s6-svscan", "s6-supervise", "s6-log", "s6-ipcserverd", "tcpserver", "smtp-recv-l", "mda-local-l", "mda-remote", "mda-remote-dns", "mda-remote-sts",
            "tls-keeper", "sleep", "s6-tcpserverd", "s6-fdholderd", "postern-tickets"}
# A server of mda-local waits a moment for the next connection before it goes.
LINGERS = {"mda-local"}
UNSAFE = ssl.create_default_context()
UNSAFE.check_hostname = False
UNSAFE.verify_mode = ssl.CERT_NONE


def count(short, full):
    return full if PROOF else short


def many_descriptors():
    """A crowd of clients lives in this process; 1 if it may."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def proof(promise):
    """At the end: how many points were tried, how many failed."""
    atexit.register(lambda: print(f"# proof: {promise} | {tap.count} | {tap.failed}", flush=True))


class Connection:
    """A client at an address of its own. Nothing is read unless asked for."""

    def __init__(self, port, source="127.0.0.1", tls=False, room=None):
        s = socket.socket(socket.AF_UNIX if isinstance(port, str) else socket.AF_INET)
        s.settimeout(LIMIT)
        if room:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        if isinstance(port, str):
            s.connect(port)
        else:
            s.bind((source, 0))
            s.connect(("127.0.0.1", port))
        self.socket, self.data, self.over = UNSAFE.wrap_socket(s) if tls else s, b"", False

    def fileno(self):
        return self.socket.fileno()

    def send(self, text):
        self.socket.sendall(text if isinstance(text, bytes) else text.encode())

    def take(self):
        """What has come; remembers the end."""
        try:
            got = self.socket.recv(65536)
        except ssl.SSLWantReadError:
            return
        except (ConnectionError, ssl.SSLError):
            got = b""
        self.data += got
        self.over = self.over or not got

    def until(self, octets):
        """Reads on until these octets have come, all that has so far."""
        while octets not in self.data:
            if self.over:
                raise EOFError(self.data[-500:])
            self.take()
        return self.data

    def line(self):
        self.until(b"\r\n")
        line, self.data = self.data.split(b"\r\n", 1)
        return line

    def ended(self):
        while not self.over:
            self.take()
        return self.data

    def close(self):
        self.socket.close()


def plain(address):
    return base64.b64encode(f"\0{address}\0{SECRET}".encode()).decode()


class Abused(Instance):
    """An instance whose accounts, NAME@example.test, have passwords that cost nothing to check."""

    def __init__(self, settings=None, accounts=("alice", "bob"), **more):
        super().__init__({"plain-passwords": "yes", "sasl-scram": "no", **(settings or {})}, **more)
        self.accounts = accounts

    def __enter__(self):
        super().__enter__()
        self.add_accounts()
        return self

    def add_accounts(self):
        path = self.dir + "/etc/users"
        self.owner = os.stat(path)
        with open(path, "w") as f:
            f.write("".join(f"{n}@{self.domain}:{{PLAIN}}{SECRET}::::mail/{self.domain}/{n}::\n" for n in self.accounts))
        subprocess.run(["build/bin/postern-tables", "users"], env=dict(os.environ, POSTERN_DIR=self.dir), check=True)
        for name in (path, path + ".cdb"):
            os.chown(name, self.owner.st_uid, self.owner.st_gid)
        for name in self.accounts:
            home = f"{self.dir}/mail/{self.domain}/{name}"
            os.makedirs(home, exist_ok=True)
            os.chown(home, self.owner.st_uid, self.owner.st_gid)

    def unset(self, *names):
        for name in names:
            os.unlink(f"{self.dir}/etc/{name}")

    def processes(self):
        """[(name, pid)] of this instance."""
        found, mark = [], f"POSTERN_DIR={self.dir}\0".encode()
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/environ", "rb") as f:
                    if mark not in f.read():
                        continue
                with open(f"/proc/{pid}/comm") as f:
                    found.append((f.read().strip(), int(pid)))
            except OSError:
                pass
        return found

    def sessions(self, *names):
        """Processes of connections (of these names)."""
        return [(n, p) for n, p in self.processes() if (n in names if names else n not in RESIDENT | LINGERS and not re.search("-[a-z]$", n))]

    def settle(self):
        """No connection has left a process behind."""
        try:
            wait_for(lambda: not self.sessions(), "the end of all sessions", LIMIT)
            return tap.ok(True, "and no process is left")
        except TimeoutError:
            return tap.ok(False, "and no process is left", self.sessions())

    def said(self, service):
        return self.log(f"{service}@127.0.0.1")

    def deliver(self, to, subject, text="x\r\n", source="127.0.0.1"):
        """The reply to a message, of a client that does as it should."""
        return self.hand_in("smtp", "EHLO good.test\r\n", "a@good.test", f"{to}@{self.domain}", f"Subject: {subject}\r\n\r\n{text}", source)

    def hand_in(self, service, hello, sender, to, text, source="127.0.0.1"):
        """The reply after the final dot, or the one that refused it before."""
        c = Connection(self.port(service), source)
        c.send(f"{hello}MAIL FROM:<{sender}>\r\nRCPT TO:<{to}>\r\nDATA\r\n")
        try:
            while not re.search(rb"\r\n(354|503) ", c.data):
                c.take()
                if c.over:
                    return c.data.decode().split("\r\n")[-2]
            if refused := re.search(rb"\r\n([45]\d\d [^\r]*)\r\n", c.data):
                return refused[1].decode()
            c.data = b""
            c.send(text + ".\r\nQUIT\r\n")
            return c.ended().decode().split("\r\n")[0]
        finally:
            c.close()

    def imap(self, name, source="127.0.0.1", tls=False, room=None):
        c = Connection(self.port("imaps" if tls else "imap"), source, tls, room)
        c.send(f'a LOGIN {name}@{self.domain} "{SECRET}"\r\n')
        c.until(b"\r\na ")
        c.line(), c.line()
        return c


def private(pid):
    """KiB that a process alone holds."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
        return sum(int(line.split()[1]) for line in f if line.startswith("Private_Dirty"))


def each(connections, done, what):
    """take() of whichever has something to read, until done() of all is true."""
    end = time.monotonic() + LIMIT
    left = [c for c in connections if not done(c)]
    poll = select.poll()
    by = {c.fileno(): c for c in left}
    for fd in by:
        poll.register(fd, select.POLLIN)
    while by:
        for fd, _ in poll.poll(1000):
            c = by[fd]
            c.take()
            if c.over or done(c):
                poll.unregister(fd)
                del by[fd]
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: {len(by)} of {len(connections)} are not")

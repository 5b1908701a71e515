"""What the suites share: options, the notes of what was measured, the load programs, and suites over mail.

A suite is a file in tests/bench/suites: TITLE, ROWS (what is measured, with its target), and a class Suite with

    sides                  # the columns' servers, each with a name; the first is ours, the second its peer
    start()                # the servers
    setup()                # once
    steps                  # functions of a side, called for each side in turn, once a round; they note() values
    close()                # always

PEER and peer() name another peer than Dovecot: its column, and its name with its version (None: it is not here).
"""
import dataclasses
import glob
import json
import os
import socket
import subprocess
import tempfile
import time
import typing

import mail
import sides

SESSION_SECONDS = 600  # for any one load
DISTINCT = 2000  # messages; the rest are links to them
YOUNG = 3  # seconds until a directory's time can be trusted; Dovecot's are two


@dataclasses.dataclass
class Row:
    key: str
    text: str  # {n} messages, {few} a tenth of them, {some} a hundredth, {many} ten times as many
    unit: str  # ms, µs, KiB, octets, execs and forks: less is better; /s and MB/s: more is
    target: float = 0  # at least this ratio to the peer
    most: float = 0  # ours, at most
    than: tuple = ()  # (key, factor, its name): ours at most factor times our other row
    limit: str = ""  # of the machine, and how many operations of its kind one value is, given n
    count: typing.Callable = lambda n: 1
    share: float = 0  # at least this part of the limit
    peer: str = ""  # the side that the ratio is to, where it is not the usual one

    def less(self):
        return self.unit in ("ms", "µs", "KiB", "octets", "execs", "forks")

    def named(self, n):
        return self.text.format(n=f"{n:,}", few=f"{n // 10:,}", some=f"{n // 100:,}", many=f"{n * 10:,}")


@dataclasses.dataclass
class Options:
    messages: int = 100000
    rounds: int = 5
    seconds: float = 2
    million: bool = False


class Bench:
    def __init__(self, top, options):
        self.top, self.options = top, options
        # Each directory in it far from the others, where ext4 can: what is deleted in one (it waits with such inodes, and looks past them)
        # is nothing to another.
        subprocess.run(["chattr", "+T", top], stderr=subprocess.DEVNULL)
        self.values = {}  # {row: {side: [values]}}

    def note(self, side, key, *values):
        self.values.setdefault(key, {}).setdefault(side.name, []).extend(values)

    def program(self, name, *arguments):
        """The output of a program of build/bench."""
        done = subprocess.run([f"{sides.BUILD}/bench/{name}", *map(str, arguments)], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{name} {' '.join(map(str, arguments))[:300]}: {done.stderr.strip()[-500:]}")
        return done.stdout

    def machine(self):
        """What the machine can do at most, measured now."""
        with tempfile.TemporaryDirectory(dir=self.top) as directory:
            return json.loads(self.program("machine", "-t", self.options.seconds / 8, directory))

    def lmtp(self, socket_path, *numbers_and_domain):
        return json.loads(self.program("lmtp", socket_path, *numbers_and_domain))

    def mail_load(self, protocol, place, login, *commands, clients=1, sessions=1):
        return Load(self.program("mail-load", "-t", SESSION_SECONDS, "-c", clients, "-s", sessions, "-l", login + ":x",
                                 protocol, place, *commands))


class Load:
    """What mail-load printed: milliseconds of each step, by session."""

    def __init__(self, text):
        self.sessions = {}
        for line in text.splitlines():
            session, step, *rest = line.split(" ", 4)
            if session == "=":
                self.count, self.seconds, self.octets = int(step), float(rest[0]), int(rest[1])
            else:
                self.sessions.setdefault(session, []).append((rest[2], float(rest[0]) / 1000))

    def ms(self, *what):
        """Of each session, the steps of these names together."""
        return [sum(ms for name, ms in steps if name in what) for steps in self.sessions.values()]


class MailSuite:
    """Both servers with the accounts of `accounts`, started, and a pool of mail."""
    accounts = {}

    def __init__(self, bench):
        self.bench, self.messages = bench, bench.options.messages
        kinds = [sides.Postern] + [sides.Dovecot] * (not sides.Dovecot.missing())
        self.pool = mail.Pool(bench.top + "/pool", min(DISTINCT, self.messages), sides.owner())
        self.sides = [kind(bench.top, self.accounts) for kind in kinds]

    def start(self):
        for side in self.sides:
            side.start()

    def describe(self):
        return f"{self.messages:,} messages of {self.pool.average / 1000:.0f} KB on average (hard links to {len(self.pool.files):,} distinct ones)"

    def close(self):
        sides.stop(self.sides)

    def imap(self, side, domain, *commands, sessions=1):
        return self.bench.mail_load("imap", side.imap, f"u0@{domain}", *commands, "LOGOUT", sessions=sessions)

    def settle(self, *directories):
        """Until the directories' times are so old that both servers trust them: each of a round is
        then as after a quiet minute."""
        age = min(YOUNG, self.messages / 1000)
        for d in directories:
            time.sleep(max(0, age - (time.time() - os.stat(d).st_mtime)))


def private_kib(pid):
    """(dirty, clean) of one process; None where it may not be seen."""
    try:
        with open(f"/proc/{pid}/smaps_rollup") as f:
            fields = dict(line.split(":") for line in f if line.startswith("Private_"))
    except OSError:
        return None
    return tuple(int(fields[k].split()[0]) for k in ("Private_Dirty", "Private_Clean"))


class IdleSession:
    """An IMAP session that has selected INBOX and idles."""

    def __init__(self, place, login):
        host, port = place.split(":")
        self.socket = socket.create_connection((host, int(port)), sides.LIMIT)
        self.file = self.socket.makefile("rb")
        self.until(b"* OK")
        for tag, command in enumerate((f"LOGIN {login} x", "SELECT INBOX", "IDLE")):
            self.socket.sendall(b"t%d %s\r\n" % (tag, command.encode()))
            self.until(b"+ " if command == "IDLE" else b"t%d OK" % tag)

    def until(self, start):
        for line in self.file:
            if line.startswith(start):
                return
        raise EOFError(f"no {start!r}")

    def close(self):
        self.file.close()
        self.socket.close()


def suites():
    folder = os.path.join(sides.TOP, "tests", "bench", "suites")
    return sorted(os.path.basename(path)[:-3] for path in glob.glob(folder + "/*.py"))

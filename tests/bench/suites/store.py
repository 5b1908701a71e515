"""The store: one folder of many messages, as IMAP, POP3 and LMTP have it."""
import glob
import os
import time

import bench
import sides
from bench import Row

TITLE = "the store"
FLAGS = "UID FETCH 1:* (FLAGS)"
ALL = "FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)"
ROWS = [
    Row("select", "SELECT of {n}, index warm, new process", "ms", target=1, most=1),
    Row("select-session", "the same with connection and login", "ms"),
    Row("select-million", "SELECT of {many}, index warm, new process", "ms", target=1, than=("select", 2, "a tenth's")),
    Row("select-expunged", "SELECT after {few} expunges", "ms", target=20),
    Row("select-new", "SELECT with {some} that another program put into new/", "ms", target=10),
    Row("select-cur", "SELECT with {some} that another program put into cur/", "ms", target=10),
    Row("select-first", "first SELECT ever of {n}: no index, no UIDs", "ms", target=3, limit="names read", count=lambda n: n),
    Row("flags", FLAGS, "ms", target=5),
    Row("fetch-warm", "FETCH 1:* of flags, date, size, ENVELOPE, BODYSTRUCTURE, warm", "ms", target=8),
    Row("fetch-cold", "the same, cold: no cached text", "ms", target=3, limit="files read", count=lambda n: n),
    Row("store", "STORE +FLAGS (\\Deleted) on {few}", "ms", target=1.5, limit="renames", count=lambda n: n // 10),
    Row("expunge", "EXPUNGE of them", "ms", target=1.5, limit="unlinks", count=lambda n: n // 10),
    Row("copy", "COPY of {few}", "ms", target=5, limit="links", count=lambda n: n // 10),
    Row("move", "MOVE of {few}", "ms", target=5, limit="renames", count=lambda n: n // 10),
    Row("pop3", "POP3: login, LIST, UIDL, RETR of 100, ten at once: sessions", "/s", target=3),
    Row("pop3-octets", "the same, octets", "MB/s", target=3, limit="loopback MB"),
    Row("memory", "private memory of a session, {n} selected, idle", "KiB", most=300),
    Row("memory-dirty", "of it dirty", "KiB"),
    Row("memory-empty", "private memory of a session, nothing in the folder, idle", "KiB"),
    Row("memory-session", "private memory of all processes of a session, {n} selected", "KiB"),
    Row("delivery-empty", "one delivery into an empty folder", "ms", limit="deliveries"),
    Row("delivery", "one delivery into a folder of {n}", "ms", than=("delivery-empty", 1.1, "an empty one's"), limit="deliveries"),
    Row("delivery-million", "one delivery into a folder of {many}", "ms", than=("delivery-empty", 1.1, "an empty one's"), limit="deliveries"),
]
POP3_USERS, POP3_MESSAGES = 10, 100
DELIVERIES = 20  # into each folder in turn, five times a round
DELIVERIES_MILLION = 5  # where Dovecot takes a second for one


class Suite(bench.MailSuite):
    accounts = {"inbox.test": 1, "million.test": 1, "empty.test": 1, "void.test": 1, "pop.test": POP3_USERS}

    def __init__(self, b):
        super().__init__(b)
        self.few, self.some = self.messages // 10, self.messages // 100
        self.steps = [self.select, self.first, self.cold, self.warm, self.memory, self.copy, self.expunge, self.move,
                      self.new, self.pop3, self.delivery]
        if b.options.million:
            self.steps.append(self.million)

    def setup(self):
        for side in self.sides:
            self.pool.fill(side.maildir("inbox.test"), self.messages)
            for domain in "empty.test", "void.test":
                self.pool.maildir(side.maildir(domain))
                self.imap(side, domain, "SELECT INBOX")
            for i in range(POP3_USERS):
                self.pool.fill(side.maildir("pop.test", i), POP3_MESSAGES)
            self.pop3_load(side, 1)
            if self.bench.options.million:
                self.pool.fill(side.maildir("million.test"), 10 * self.messages)
            self.used(side)

    def used(self, side):
        """Caches as the one who uses the folder every day has them."""
        self.imap(side, "inbox.test", "SELECT INBOX", ALL, FLAGS)

    def quiet(self, side, domain="inbox.test"):
        maildir = side.maildir(domain)
        self.settle(maildir + "/cur", maildir + "/new")
        self.imap(side, domain, "SELECT INBOX")

    def note_ms(self, side, key, load, *what):
        self.bench.note(side, key, *load.ms(*what))

    # ---- steps

    def select(self, side):
        self.quiet(side)
        load = self.imap(side, "inbox.test", "SELECT INBOX", sessions=10)
        self.note_ms(side, "select", load, "SELECT INBOX")
        self.note_ms(side, "select-session", load, "connect", "login", "SELECT INBOX")

    def million(self, side):
        self.quiet(side, "million.test")
        self.note_ms(side, "select-million", self.imap(side, "million.test", "SELECT INBOX", sessions=10), "SELECT INBOX")
        self.deliver(side, DELIVERIES_MILLION, ("delivery-million", "million.test"))

    def first(self, side):
        for path in glob.glob(side.maildir("inbox.test") + "/dovecot*") + glob.glob(side.maildir("inbox.test") + "/postern*"):
            if os.path.isfile(path):
                os.unlink(path)
        self.note_ms(side, "select-first", self.imap(side, "inbox.test", "SELECT INBOX"), "SELECT INBOX")

    def cold(self, side):
        """Behind first(): an index, but no cached text."""
        self.note_ms(side, "fetch-cold", self.imap(side, "inbox.test", "SELECT INBOX", ALL), ALL)

    def warm(self, side):
        for command, key in (ALL, "fetch-warm"), (FLAGS, "flags"):
            self.note_ms(side, key, self.imap(side, "inbox.test", "SELECT INBOX", command, sessions=3), command)

    def memory(self, side):
        for domain, key in ("void.test", "memory-empty"), ("inbox.test", "memory"):
            before, sessions = set(side.pids()), []
            try:
                # Two: what one has alone only because it is the only one is not counted.
                for _ in range(2):
                    sessions.append(bench.IdleSession(side.imap, "u0@" + domain))
                processes = [p for p in side.pids() if p not in before and side.of_session(p)]
                self.note_memory(side, key, processes)
            finally:
                for session in sessions:
                    session.close()
            sides.wait_for(lambda: not any(map(os.path.exists, (f"/proc/{p}" for p in processes))), "sessions end")

    def note_memory(self, side, key, processes):
        end, now = time.monotonic() + 5, None
        while time.monotonic() < end:
            before, now = now, {p: bench.private_kib(p) for p in processes if os.path.exists(f"/proc/{p}")}  # who only began it is gone
            if before == now:
                break
            time.sleep(0.2)
        if None in now.values():
            return
        own = [kib for p, kib in now.items() if sides.command_name(p) == "imap"]
        self.bench.note(side, key, *map(sum, own))
        if key == "memory":
            self.bench.note(side, "memory-dirty", *(dirty for dirty, _ in own))
            self.bench.note(side, "memory-session", sum(map(sum, now.values())) / 2)

    def copy(self, side):
        command = f"COPY 1:{self.few} Copy"
        load = self.imap(side, "inbox.test", "CREATE Copy", "SELECT INBOX", command, "DELETE Copy")
        self.note_ms(side, "copy", load, command)

    def expunge(self, side):
        command = f"STORE 1:{self.few} +FLAGS (\\Deleted)"
        load = self.imap(side, "inbox.test", "SELECT INBOX", command, "EXPUNGE")
        self.note_ms(side, "store", load, command)
        self.note_ms(side, "expunge", load, "EXPUNGE")
        self.note_ms(side, "select-expunged", self.imap(side, "inbox.test", "SELECT INBOX"), "SELECT INBOX")

    def move(self, side):
        command = f"MOVE 1:{self.few} Move"
        load = self.imap(side, "inbox.test", "CREATE Move", "SELECT INBOX", command, "DELETE Move")
        self.note_ms(side, "move", load, command)

    def new(self, side):
        """Puts back as many as went."""
        maildir = side.maildir("inbox.test")
        self.pool.add(maildir, "cur", 2 * self.few - 2 * self.some)
        self.used(side)
        self.quiet(side)
        for where, key in ("new", "select-new"), ("cur", "select-cur"):
            self.pool.add(maildir, where, self.some)
            self.note_ms(side, key, self.imap(side, "inbox.test", "SELECT INBOX"), "SELECT INBOX")
        self.used(side)

    def pop3_load(self, side, sessions_each):
        return self.bench.mail_load("pop3", side.pop3, "u#@pop.test", "LIST", "UIDL", f"RETR 1:{POP3_MESSAGES}", "QUIT",
                                    clients=POP3_USERS, sessions=POP3_USERS * sessions_each)

    def pop3(self, side):
        load = self.pop3_load(side, max(1, min(10, self.messages // 1000)))
        self.bench.note(side, "pop3", load.count / load.seconds)
        self.bench.note(side, "pop3-octets", load.octets / 1e6 / load.seconds)

    def delivery(self, side):
        self.deliver(side, DELIVERIES, ("delivery-empty", "empty.test"), ("delivery", "inbox.test"))

    def deliver(self, side, count, *folders):
        for _ in range(5):
            for key, domain in folders:
                os.sync()
                self.bench.note(side, key, self.bench.lmtp(side.lmtp, 1, 1, count, 1, 1, domain)["median_ms"])
        for _, domain in folders:
            for path in glob.glob(side.maildir(domain) + "/new/*"):
                os.unlink(path)
            self.quiet(side, domain)
